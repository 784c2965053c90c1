// GoogleTest's main, which is a fake program as well: tests that kill processes start this one anew.
#include "FakeModule.h"
#include "cli/Program.h"

#include <gtest/gtest.h>

int main(int argc, char **argv) {
  if (argc > 2 && std::string(argv[1]) == "--fake-program")
    return qfa::rt::runProgram(fake::table, argv[2], {argv + 3, argv + argc});
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
