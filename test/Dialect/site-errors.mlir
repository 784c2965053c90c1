// RUN: qfa-opt %s -split-input-file -verify-diagnostics

// site_c1: a width that is not packed
// expected-error @+1 {{bit width 5 is not one of 2, 3, 4, 8}}
qfa.site @site_c1 bits [2, 5]

// -----

// site_c1: ascending
// expected-error @+1 {{bit widths must ascend, found 4 before 2}}
qfa.site @site_c1_order bits [4, 2]

// -----

// site_c1: distinct
// expected-error @+1 {{bit widths must ascend, found 4 before 4}}
qfa.site @site_c1_twice bits [4, 4]

// -----

// site_c1: at least one
// expected-error @+1 {{needs at least one bit width}}
qfa.site @site_c1_none bits []
