// The dialect, its types and the shared definitions of all op files.
#ifndef QFA_DIALECT_TD
#define QFA_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"

def Qfa_Dialect : Dialect {
  let name = "qfa";
  let cppNamespace = "::qfa";
  let summary = "training and deployment of once-for-all quantized language models";
  let description = [{
    Ops of four kinds: *model* (what a decoder computes), *elastic* (linear layers that exist at several bit widths, each with
    a frozen integer copy and a low-rank adapter), *training* (loss, gradients, optimizer) and *program* (kernels, launches and
    persistent state). Elementwise work uses `arith` and `math` on tensors.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::tensor::TensorDialect"];
}

class Qfa_Op<string mnemonic, list<Trait> traits = []> : Op<Qfa_Dialect, mnemonic, traits>;

class Qfa_Type<string name, string typeMnemonic> : TypeDef<Qfa_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Qfa_ElasticType : Qfa_Type<"Elastic", "elastic"> {
  let summary = "a linear layer's copies and adapters, of which one bit width is in force";
  let description = [{
    Refers to a row of the site table: weight [out, in] stored as integer codes with one scale and one real-valued zero per
    `group` inputs of an output row, at every width of `bits`, each with an adapter of `rank` (0: none). With one width the
    choice is static, otherwise it is read from the table when a kernel runs.

    Example: `!qfa.elastic<576x1536, bits = [2, 3, 4], group = 64, rank = 16, scales = f32>`
  }];
  let parameters = (ins
    "int64_t":$out,
    "int64_t":$in,
    ArrayRefParameter<"int64_t">:$bits,
    "int64_t":$group,
    "int64_t":$rank,
    "::mlir::Type":$scales
  );
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getGroups() const { return getIn() / getGroup(); }
  }];
}

def Qfa_BufferType : Qfa_Type<"Buffer", "buffer"> {
  let summary = "persistent memory of the program that ops may update: a gradient, a key or value cache";
  let description = [{ Example: `!qfa.buffer<16x9xf32>` }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    int64_t getNumElements() const;
    ::mlir::RankedTensorType getTensorType() const;
  }];
}

def Qfa_TrainableType : Qfa_Type<"Trainable", "trainable"> {
  let summary = "a trained tensor with its optimizer state, reached through the table of trainables";
  let description = [{ Example: `!qfa.trainable<16x9xf32>` }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "::mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    int64_t getNumElements() const;
    ::mlir::RankedTensorType getTensorType() const;
  }];
}

def Qfa_F32Tensor : RankedTensorOf<[F32]>;
def Qfa_Activation : 3DTensorOf<[F32]>; // [batch, sequence, features]
def Qfa_Tokens : 2DTensorOf<[I32]>;     // identifiers or labels [batch, sequence]
def Qfa_Index : 1DTensorOf<[I32]>;      // one number [1]: a position
// A weight [out, in] as plain floats or as elastic copies.
def Qfa_Weight : AnyTypeOf<[Qfa_F32Tensor, Qfa_ElasticType], "f32 tensor or elastic weight">;

#endif // QFA_DIALECT_TD
