// Checkpoints: identity of resumed runs, damage, pruning, full disks and kills at any moment.
#include "Workspace.h"

#include "support/Error.h"
#include "train/Checkpoint.h"

#include <csignal>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace qfa::rt;
namespace fs = std::filesystem;

class CheckpointTest : public Workspace {
protected:
  std::string tensors(const std::string &run, const std::string &step) {
    std::string folder = run + "/checkpoints/" + step + "/";
    return read(folder + "adapters.safetensors") + read(folder + "optimizer.safetensors");
  }
};

TEST_F(CheckpointTest, ResumedRunEqualsUninterruptedOne) {
  std::vector<std::string> options = {"--planned-steps=10", "--gradient-accumulation=2", "--schedule=cosine"};
  auto with = [&](std::string more) {
    std::vector<std::string> result = options;
    result.push_back(more);
    return result;
  };
  Result whole = train("whole", with("--max-steps=10"));
  ASSERT_EQ(whole.code, 0) << whole.error;
  ASSERT_EQ(train("parts", with("--max-steps=5")).code, 0);
  EXPECT_NE(tensors("whole", "000010"), tensors("parts", "000005"));
  Result resumed = run({"train", "--resume", "--out", at("parts"), "--max-steps=10"});
  ASSERT_EQ(resumed.code, 0) << resumed.error;
  EXPECT_FALSE(tensors("whole", "000010").empty());
  EXPECT_EQ(tensors("whole", "000010"), tensors("parts", "000010"));
}

TEST_F(CheckpointTest, DenseRunResumesToo) {
  ASSERT_EQ(train("whole", {"--max-steps=6"}, fake::dense).code, 0);
  ASSERT_EQ(train("parts", {"--max-steps=3", "--planned-steps=6"}, fake::dense).code, 0);
  Result resumed = run({"train", "--resume", "--out", at("parts"), "--max-steps=6"}, fake::dense);
  ASSERT_EQ(resumed.code, 0) << resumed.error;
  EXPECT_EQ(read("whole/model.safetensors"), read("parts/model.safetensors"));
  EXPECT_NE(read("whole/model.safetensors"), read("bigram.safetensors"));
  EXPECT_EQ(read("whole/checkpoints/000006/optimizer.safetensors"),
            read("parts/checkpoints/000006/optimizer.safetensors"));
}

TEST_F(CheckpointTest, KeepsTheNewest) {
  ASSERT_EQ(train("run", {"--max-steps=7", "--checkpoint-every=2", "--keep=3"}).code, 0);
  EXPECT_EQ(Checkpoints(at("run"), false).steps(), (std::vector<int64_t>{4, 6, 7}));
}

TEST_F(CheckpointTest, FallsBackFromADamagedOne) {
  ASSERT_EQ(train("run", {"--max-steps=4", "--checkpoint-every=2"}).code, 0);
  std::string file = at("run/checkpoints/000004/adapters.safetensors"),
              good = read("run/checkpoints/000004/adapters.safetensors");
  std::string bad = good;
  bad[bad.size() - 5] ^= 1;
  writeText("run/checkpoints/000004/adapters.safetensors", bad);
  Result resumed = run({"train", "--resume", "--out", at("run"), "--max-steps=4"});
  EXPECT_EQ(resumed.code, 0) << resumed.error;
  EXPECT_NE(resumed.error.find("warning: checkpoint '" + at("run/checkpoints/000004") + "' is damaged"),
            std::string::npos)
      << resumed.error;
  EXPECT_NE(resumed.error.find("going on after step 2"), std::string::npos);
  EXPECT_EQ(read("run/checkpoints/000004/adapters.safetensors"), good); // done again, to the same end
}

TEST_F(CheckpointTest, RefusesWhenAllAreDamaged) {
  ASSERT_EQ(train("run", {"--max-steps=2", "--keep=1"}).code, 0);
  writeText("run/checkpoints/000002/state.json", "{");
  Result resumed = run({"train", "--resume", "--out", at("run"), "--max-steps=4"});
  EXPECT_EQ(resumed.code, 1);
  EXPECT_NE(resumed.error.find("no whole checkpoint in '" + at("run/checkpoints") + "'"), std::string::npos);
}

TEST_F(CheckpointTest, RefusesToResumeWithOtherOptions) {
  ASSERT_EQ(train("run", {"--max-steps=2"}).code, 0);
  Result resumed = run({"train", "--resume", "--out", at("run"), "--max-steps=4", "--clip=1"});
  EXPECT_EQ(resumed.code, 1);
  EXPECT_NE(resumed.error.find("cannot resume '" + at("run") + "' with --clip 1.0, its checkpoint was made with 0.3"),
            std::string::npos)
      << resumed.error;
}

// A limit on the size of files stands for the full disk: the checkpoint fails, the older one survives.
TEST_F(CheckpointTest, SurvivesAFullDisk) {
  ASSERT_EQ(train("run", {"--max-steps=2"}).code, 0);
  std::string before = tensors("run", "000002");
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    rlimit limit = {2000, 2000};
    setrlimit(RLIMIT_FSIZE, &limit);
    int null = ::open("/dev/null", O_WRONLY);
    dup2(null, 1), dup2(null, 2);
    _exit(qfa::rt::runProgram(fake::table, at("fake"), {"train", "--resume", "--out", at("run"), "--max-steps=3"}));
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  EXPECT_EQ(Checkpoints(at("run"), false).steps(), std::vector<int64_t>{2});
  EXPECT_EQ(tensors("run", "000002"), before);
  for (const fs::directory_entry &entry : fs::directory_iterator(at("run/checkpoints")))
    EXPECT_EQ(entry.path().filename(), "000002");
}

// Kills a process that writes a checkpoint each step, at random moments; each time the run must go on, and end as one
// that nobody killed.
TEST_F(CheckpointTest, SurvivesKillsAtAnyMoment) {
  constexpr const char *steps = "--max-steps=60";
  ASSERT_EQ(train("whole", {steps, "--checkpoint-every=1"}).code, 0);
  std::vector<std::string> start = {"train",   "--threads=1", "--tokenizer",  at("tok.bin"), "--out",
                                    at("run"), "--data",      at("text.txt"), steps,         "--checkpoint-every=1",
                                    "--resume"};
  fs::create_directories(at("run"));
  int kills = 0;
  for (int attempt = 0; attempt < 200; ++attempt) {
    pid_t child = fork();
    if (child == 0) {
      int null = ::open("/dev/null", O_WRONLY);
      dup2(null, 1), dup2(null, 2);
      execl("/proc/self/exe", "runtime-tests", "--fake-program", at("fake").c_str(), "train", "--threads=1",
            "--tokenizer", at("tok.bin").c_str(), "--out", at("run").c_str(), "--data", at("text.txt").c_str(), steps,
            "--checkpoint-every=1", "--resume", nullptr);
      _exit(99);
    }
    usleep(5000 + 7919 * (attempt * attempt % 13));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++kills;
    // Whatever is there is whole.
    auto machine = open();
    std::vector<int64_t> there = Checkpoints(at("run"), false).steps();
    if (!there.empty()) {
      auto state = Checkpoints(at("run"), false).load(machine->session.trained(), true);
      EXPECT_EQ(state->step, there.back());
    }
  }
  EXPECT_GT(kills, 3);
  Result last = run(start);
  ASSERT_EQ(last.code, 0) << last.error;
  EXPECT_EQ(tensors("whole", "000060"), tensors("run", "000060"));
  for (const fs::directory_entry &entry : fs::directory_iterator(at("run/checkpoints")))
    EXPECT_NE(entry.path().extension(), ".tmp");
}

TEST_F(CheckpointTest, FinishesTheStepWhenInterrupted) {
  pid_t child = fork();
  if (child == 0) {
    int out = ::open(at("out.txt").c_str(), O_WRONLY | O_CREAT, 0666), null = ::open("/dev/null", O_WRONLY);
    dup2(out, 1), dup2(null, 2);
    execl("/proc/self/exe", "runtime-tests", "--fake-program", at("fake").c_str(), "train", "--threads=1",
          "--tokenizer", at("tok.bin").c_str(), "--out", at("run").c_str(), "--data", at("text.txt").c_str(),
          "--max-steps=100000000", nullptr);
    _exit(99);
  }
  while (read("run/metrics.jsonl").empty())
    usleep(2000);
  kill(child, SIGTERM);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  std::vector<int64_t> steps = Checkpoints(at("run"), false).steps();
  ASSERT_EQ(steps.size(), 1u);
  std::string said = read("out.txt");
  EXPECT_TRUE(said.starts_with("stopped after step " + std::to_string(steps[0]) + "; go on with: ")) << said;
  EXPECT_TRUE(said.ends_with("fake train --resume --out " + at("run") + "\n")) << said;
}
