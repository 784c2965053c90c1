// The dialect `onnx`: an ONNX graph as it was written, plus the few ops that patterns leave behind on the way to `qfa`.
#ifndef QFA_IMPORT_ONNX_TD
#define QFA_IMPORT_ONNX_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Onnx_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::qfa::onnx";
  let summary = "an ONNX graph on its way to the qfa dialect";
  let description = [{
    Only stage 1 sees it. A value has one opaque type: its element type and shape are what `ShapeFacts` finds by evaluating the
    graph on small shapes, so a rewrite has no types to keep up to date. `onnx.from_tensor` and `onnx.to_tensor` are the border
    to typed IR.
  }];
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::qfa::QfaDialect"];
}

def Onnx_Value : TypeDef<Onnx_Dialect, "Value"> {
  let mnemonic = "value";
  let summary = "a tensor of an ONNX graph";
  let builderCall = "$_builder.getType<::qfa::onnx::ValueType>()";
}

class Onnx_Op<string mnemonic, list<Trait> traits = []> : Op<Onnx_Dialect, mnemonic, !listconcat([Pure], traits)>;

def Onnx_NodeOp : Onnx_Op<"node"> {
  let summary = "one node of the graph, of any operator";
  let description = [{
    `settings` are the attributes of the ONNX node. `scope` is the dotted path of the module that the node came from, when the
    exporter says. Results beyond the first are counted.

    Example: `%y, %i = onnx.node "TopK"(%x, %k) {axis = -1 : i64} scope "model.router" -> 2`
  }];
  let arguments = (ins StrAttr:$type, Variadic<Onnx_Value>:$inputs, OptionalAttr<DictionaryAttr>:$settings,
    OptionalAttr<StrAttr>:$domain, OptionalAttr<StrAttr>:$scope);
  let results = (outs Variadic<Onnx_Value>:$outputs);
  let assemblyFormat = [{
    $type `(` $inputs `)` ($settings^)? (`domain` $domain^)? (`scope` $scope^)? attr-dict-with-keyword
    custom<ResultCount>(type($outputs))
  }];
  let extraClassDeclaration = [{
    /// Whether this is operator `name` of the standard domain.
    bool is(::llvm::StringRef name) { return getType() == name && !getDomain(); }
    int64_t getInt(::llvm::StringRef name, int64_t otherwise);
    double getFloat(::llvm::StringRef name, double otherwise);
    /// An attribute that is a list of integers; none when it is absent.
    ::std::optional<::llvm::SmallVector<int64_t>> getInts(::llvm::StringRef name);
    /// Input `i`, or null when it is left out.
    ::mlir::Value input(unsigned i);
  }];
}

def Onnx_NoneOp : Onnx_Op<"none"> {
  let summary = "an optional input that is left out";
  let description = [{ Example: `%0 = onnx.none` }];
  let results = (outs Onnx_Value:$result);
  let assemblyFormat = "attr-dict";
}

def Onnx_ConstantOp : Onnx_Op<"constant"> {
  let summary = "a small constant";
  let description = [{ Example: `%0 = onnx.constant dense<[0, 2, 1, 3]> : tensor<4xi64>` }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Onnx_Value:$result);
  let assemblyFormat = "$value attr-dict";
}

def Onnx_ShapeOp : Onnx_Op<"shape"> {
  let summary = "a vector of dimensions, each a multiple of batch (B), sequence (S) or both";
  let description = [{
    With `scalar` the one dimension is a scalar rather than a vector of one.

    Example: `%0 = onnx.shape ["B", "S", "4*B", "2*B*S", "-1"]`
  }];
  let arguments = (ins StrArrayAttr:$dims, UnitAttr:$scalar);
  let results = (outs Onnx_Value:$result);
  let assemblyFormat = "(`scalar` $scalar^)? $dims attr-dict";
  let hasVerifier = 1;
}

def Onnx_InitializerOp : Onnx_Op<"initializer"> {
  let summary = "a weight as the file stores it";
  let description = [{
    The value has the shape in the file: the reverse of the parameter's type when the parameter is `transposed`.

    Example: `%w = onnx.initializer @"onnx::MatMul_714"`
  }];
  let arguments = (ins FlatSymbolRefAttr:$parameter);
  let results = (outs Onnx_Value:$result);
  let assemblyFormat = "$parameter attr-dict";
}

def Onnx_FromTensorOp : Onnx_Op<"from_tensor"> {
  let summary = "a typed tensor enters the graph";
  let description = [{
    The first dynamic dimension is the batch, the second the sequence.

    Example: `%x = onnx.from_tensor %arg0 : tensor<?x?x64xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$tensor);
  let results = (outs Onnx_Value:$result);
  let assemblyFormat = "$tensor attr-dict `:` type($tensor)";
}

def Onnx_ToTensorOp : Onnx_Op<"to_tensor"> {
  let summary = "a value leaves the graph";
  let description = [{ Example: `%y = onnx.to_tensor %0 : tensor<?x?x64xf32>` }];
  let arguments = (ins Onnx_Value:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
}

def Onnx_SplitHeadsOp : Onnx_Op<"split_heads"> {
  let summary = "features seen as heads";
  let description = [{
    result[b, h, s, d] = x[b, s, (h / repeat) * width + d] for x [batch, sequence, features], with features / width heads, each
    seen `repeat` times (grouped-query attention). With `transposed` the result is [b, h, d, s].

    Example: `%1 = onnx.split_heads %0 {width = 16 : i64, repeat = 2 : i64}`
  }];
  let arguments = (ins Onnx_Value:$x, I64Attr:$width, DefaultValuedAttr<I64Attr, "1">:$repeat, UnitAttr:$transposed);
  let results = (outs Onnx_Value:$result);
  let assemblyFormat = "$x attr-dict";
}

#endif // QFA_IMPORT_ONNX_TD
