// Umbrella: the dialect in reading order.
include "qfa/Dialect/QfaDialect.td"     // types and shared definitions
include "qfa/Dialect/QfaInterfaces.td"  // how stages meet ops they do not know
include "qfa/Dialect/QfaModelOps.td"    // what a decoder computes
include "qfa/Dialect/QfaElasticOps.td"  // what makes it a supernet
include "qfa/Dialect/QfaTrainingOps.td" // what makes it trainable
include "qfa/Dialect/QfaProgramOps.td"  // kernels, launches, persistent state
