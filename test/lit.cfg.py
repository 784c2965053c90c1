# Configuration of the lit tests: every .mlir and .test file below this folder.
import os

import lit.formats

config.name = "qfa"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "python", "Inputs", "lit.cfg.py"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.qfa_build_dir, "test", "lit")

config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.qfa_build_dir, "bin"), config.llvm_tools_dir, os.environ["PATH"]])
python = os.path.join(config.qfa_source_dir, ".venv", "bin", "python")
config.substitutions.append(("%python", python if os.path.exists(python) else "python3"))
config.substitutions.append(("%shared", config.qfa_shared_dir))
config.substitutions.append(("%source", config.qfa_source_dir))
# Tests that read real models or texts name this feature; they are reported as unsupported where the folder is absent.
if os.path.isdir(config.qfa_shared_dir):
    config.available_features.add("shared")
