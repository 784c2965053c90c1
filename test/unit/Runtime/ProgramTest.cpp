// The command line: what commands print and write, and every complaint.
#include "Workspace.h"

#include "search/Budget.h"
#include "train/Progress.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

using nlohmann::json;
using namespace qfa::rt;

class ProgramTest : public Workspace {
protected:
  std::vector<json> lines(const std::string &file) {
    std::istringstream text(read(file));
    std::vector<json> result;
    for (std::string line; std::getline(text, line);)
      result.push_back(json::parse(line));
    return result;
  }
  void expectError(const Result &result, const std::string &text) {
    EXPECT_EQ(result.code, 1);
    EXPECT_NE(result.error.find("fake: " + text), std::string::npos) << result.error;
  }
};

TEST_F(ProgramTest, TrainingLowersTheLossAtEveryWidth) {
  for (const char *bits : {"2", "4"})
    ASSERT_EQ(run({"eval", "--data", at("text.txt"), "--tokenizer", at("tok.bin"), "--json", "--bits", bits}).code, 0);
  auto perplexity = [&](const char *bits, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"eval",         "--tokenizer", at("tok.bin"), "--data",
                                          at("text.txt"), "--json",      "--bits",      bits};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json::parse(run(arguments).out)["perplexity"].get<double>();
  };
  double before2 = perplexity("2", {}), before4 = perplexity("4", {});
  Result trained = train("run", {"--max-steps=300", "--learning-rate=1e-2", "--clip=1"});
  ASSERT_EQ(trained.code, 0) << trained.error;
  EXPECT_LT(perplexity("2", {"--run", at("run")}), 0.7 * before2);
  EXPECT_LT(perplexity("4", {"--run", at("run")}), 0.7 * before4);
  EXPECT_EQ(perplexity("2", {"--run", at("run"), "--initial"}), before2);
}

TEST_F(ProgramTest, WritesMetricsOfEveryStep) {
  ASSERT_EQ(train("run", {"--max-steps=8", "--warmup-steps=4", "--eval-every=4", "--seed=3"}).code, 0);
  std::vector<json> steps = lines("run/metrics.jsonl");
  ASSERT_EQ(steps.size(), 10u); // two looks at the validation loss
  for (int i : {0, 1, 2, 3})
    EXPECT_NEAR(steps[i]["learning_rate"].get<double>(), 5e-4 * (i + 1) / 4, 1e-9);
  EXPECT_EQ(steps[4]["step"], 3);
  EXPECT_EQ(steps[4]["validation_loss"].size(), 3u);
  for (const char *key : {"loss", "gradient_norm", "mean_bits", "tokens", "seconds", "cpu_seconds", "peak_rss_bytes"})
    EXPECT_TRUE(steps[0][key].is_number()) << key;
  EXPECT_EQ(steps[0]["skipped"], false);
  EXPECT_EQ(steps[0]["mean_bits"], 4);
}

TEST_F(ProgramTest, ResumedMetricsHaveNoStepTwice) {
  ASSERT_EQ(train("run", {"--max-steps=4", "--checkpoint-every=3"}).code, 0);
  std::filesystem::remove_all(at("run/checkpoints/000004"));
  ASSERT_EQ(run({"train", "--resume", "--out", at("run"), "--max-steps=6"}).code, 0);
  std::vector<json> steps = lines("run/metrics.jsonl");
  ASSERT_EQ(steps.size(), 6u);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(steps[i]["step"], i);
}

TEST_F(ProgramTest, SkipsStepsThatAreNotFinite) {
  fake::poisonFrom = 2, fake::poisonTo = 5;
  Result result = train("run", {"--max-steps=8"});
  ASSERT_EQ(result.code, 0) << result.error;
  EXPECT_NE(result.out.find("3 steps skipped"), std::string::npos) << result.out;
  std::vector<json> steps = lines("run/metrics.jsonl");
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(steps[i]["skipped"], i >= 2 && i < 5);
    EXPECT_EQ(steps[i]["loss"].is_null(), i >= 2 && i < 5);
  }
}

TEST_F(ProgramTest, StopsAfterTenSkippedStepsInARow) {
  fake::poisonFrom = 7, fake::poisonTo = 1000;
  Result result = train("run", {"--max-steps=50"});
  expectError(result, "loss or gradients were not finite in 10 steps in a row, the last of them step 16; the last good "
                      "state is '" +
                          at("run/checkpoints/000007") + "'");
  fake::poisonFrom = fake::poisonTo = 0;
  EXPECT_EQ(run({"train", "--resume", "--out", at("run"), "--max-steps=50"}).code, 0);
}

TEST_F(ProgramTest, RemembersOptionsAndPaths) {
  writeText("run.yaml", "learning-rate: 0.002\nmax-steps: 3\ndata: [" + at("text.txt") + "]\nsampler: uniform\n");
  Result result = run({"train", "--config", at("run.yaml"), "--tokenizer", at("tok.bin"), "--out", at("run"),
                       "--sampler", "resource-balanced"});
  ASSERT_EQ(result.code, 0) << result.error;
  std::string config = read("run/config.yaml");
  for (std::string line : {"learning-rate: 0.002", "sampler: resource-balanced", "max-steps: 3", "period: 3",
                           "planned-steps: 3", "clip: 0.3"})
    EXPECT_NE(config.find(line + "\n"), std::string::npos) << config;
  EXPECT_NE(config.find("data: " + at("text.txt")), std::string::npos) << config;
  EXPECT_EQ(run({"eval", "--run", at("run")}).code, 0); // neither data nor tokenizer given
}

TEST_F(ProgramTest, PlansStepsByTimeWhenOnlyMinutesAreGiven) {
  Result result = train("run", {"--max-minutes=0.002"});
  ASSERT_EQ(result.code, 0) << result.error;
  std::string config = read("run/config.yaml");
  EXPECT_EQ(config.find("planned-steps: 0\n"), std::string::npos) << config;
  EXPECT_GT(lines("run/metrics.jsonl").size(), 0u);
}

TEST_F(ProgramTest, DryRunWritesNothing) {
  Result result = train("run", {"--max-steps=5", "--dry-run"});
  EXPECT_EQ(result.code, 0);
  EXPECT_NE(result.out.find("a step: 0.00 GFLOP, 16 tokens"), std::string::npos) << result.out;
  EXPECT_NE(result.out.find("memory "), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(at("run")));
}

TEST_F(ProgramTest, SearchWritesTheBestSubnetOfEachBudget) {
  ASSERT_EQ(train("run", {"--max-steps=40", "--learning-rate=5e-3"}).code, 0);
  Result result = run({"search", "--run", at("run"), "--budget", "4bpw", "--budget", "2.5bpw", "--budget", "1MB"});
  ASSERT_EQ(result.code, 0) << result.error;
  double best = 1e9, all = 1e9;
  for (const char *first : {"2", "3", "4"})
    for (const char *second : {"2", "4"}) {
      writeText("c.json", std::string("{\"configuration\": {\"model.embed_tokens.site\": 8, \"model.layers.0.mlp\": ") +
                              first + ", \"model.layers.1.mlp\": " + second + "}}");
      json scored = json::parse(run({"eval", "--run", at("run"), "--configuration", at("c.json"), "--json"}).out);
      all = std::min(all, scored["loss"].get<double>());
      if (scored["mean_bits"] <= 2.5)
        best = std::min(best, scored["loss"].get<double>());
    }
  json subnet = json::parse(read("run/subnets/2.5bpw.json"));
  EXPECT_DOUBLE_EQ(subnet["validation_loss"].get<double>(), best);
  EXPECT_DOUBLE_EQ(json::parse(read("run/subnets/1MB.json"))["validation_loss"].get<double>(), all);
  EXPECT_LE(subnet["mean_bits"].get<double>(), 2.5);
  EXPECT_EQ(subnet["budget"], "2.5bpw");
  EXPECT_EQ(subnet["model"], "fake");
  Configuration chosen;
  for (const qfa_site_t &site : module->sites())
    chosen.push_back(subnet["configuration"][site.name]);
  EXPECT_EQ(subnet["bytes"]["total"], deployedBytes(*module, chosen).total);
  EXPECT_NEAR(subnet["validation_perplexity"].get<double>(), std::exp(best), 1e-6);
  std::string scores = read("run/search.jsonl");
  ASSERT_EQ(run({"search", "--run", at("run"), "--budget", "3bpw"}).code, 0);
  EXPECT_EQ(read("run/search.jsonl"), scores); // every score was known
}

TEST_F(ProgramTest, GeneratesTheSameTextFromTheSameSeed) {
  auto generate = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"generate", "--tokenizer", at("tok.bin"),
                                          "--prompt", "the cat",     "--tokens=8"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Result result = run(arguments);
    EXPECT_EQ(result.code, 0) << result.error;
    return result.out;
  };
  std::string greedy = generate({});
  EXPECT_TRUE(greedy.starts_with("the cat")) << greedy;
  EXPECT_EQ(greedy, generate({"--seed=5"}));
  std::string warm = generate({"--temperature=2", "--seed=5"});
  EXPECT_EQ(warm, generate({"--temperature=2", "--seed=5"}));
  EXPECT_NE(warm, generate({"--temperature=2", "--seed=6"}));
}

TEST_F(ProgramTest, DescribesItself) {
  json info = json::parse(run({"info", "--json"}).out);
  EXPECT_EQ(info["mode"], "supernet");
  EXPECT_EQ(info["sites"].size(), 3u);
  EXPECT_EQ(info["sites"][1]["bits"], (std::vector<int>{2, 3, 4}));
  EXPECT_EQ(info["kernels"][0]["isa"], std::vector<std::string>{"portable"});
  EXPECT_EQ(info["entries"].size(), 7u);
  EXPECT_NE(run({"info"}).out.find("model.layers.0.mlp                                2,3,4"), std::string::npos);
}

TEST_F(ProgramTest, BenchesWithoutWeights) {
  std::filesystem::remove(at("fake.safetensors"));
  std::vector<std::string> bench = {"bench", "--json", "--repeats=3"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), bench.begin(), bench.end());
    return more;
  };
  json training = json::parse(run(bench).out);
  EXPECT_EQ(training["mean_bits"], 4);
  EXPECT_NEAR(training["loss"], std::log(32.0), 0.5);
  ASSERT_EQ(training["times"].size(), 4u);
  EXPECT_EQ(training["times"][0]["name"], "step");
  EXPECT_EQ(training["times"][0]["tokens"], 16);
  EXPECT_EQ(training["times"][0]["flops"], 1001300);
  EXPECT_EQ(training["times"][0]["seconds"].size(), 3u);
  EXPECT_EQ(training["times"][3]["name"], "update");
  // Copies of the embedding and of one width, not of all.
  json lowest = json::parse(run(with({"--bits=2"})).out), all = json::parse(run(with({"--bits=mixed"})).out);
  EXPECT_EQ(lowest["mean_bits"], 2);
  EXPECT_LT(lowest["memory"]["copies"], training["memory"]["copies"]);
  EXPECT_GT(all["memory"]["copies"], training["memory"]["copies"]);
  json others = json::parse(run(with({"--entry=logits", "--entry=prefill", "--entry=decode"})).out);
  ASSERT_EQ(others["times"].size(), 3u);
  EXPECT_EQ(others["times"][1]["tokens"], fake::block);
  EXPECT_EQ(others["times"][2]["tokens"], 1);
  EXPECT_TRUE(others["loss"].is_null());
  json dense = json::parse(run(bench, fake::dense).out);
  EXPECT_NEAR(dense["loss"], std::log(32.0), 0.5);
  EXPECT_NE(run({"bench"}).out.find("gradient_norm"), std::string::npos);
}

TEST_F(ProgramTest, ComplainsAboutBenches) {
  expectError(run({"bench", "--bits=wide"}), "--bits is 'wide', wanted a width or mixed");
  expectError(run({"bench", "--bits=3"}), "site 'model.layers.1.mlp' has a choice of bits 2, 4, not 3");
  expectError(run({"bench", "--entry=update"}),
              "--entry is 'update', wanted train_step, eval_step, logits, prefill, decode");
  expectError(run({"bench", "--position=20"}), "--position is 20, wanted less than the context of 20");
  expectError(run({"bench", "--repeats=0"}), "--repeats: ");
  fake::poisonFrom = 1, fake::poisonTo = 2;
  expectError(run({"bench"}), "'train_step' gives nan on average, wanted a finite number");
}

TEST_F(ProgramTest, OffersWhatTheModuleHas) {
  std::string table = run({"--help"}).out, dense = run({"--help"}, fake::dense).out;
  for (const char *command : {"train", "eval", "search", "generate", "bench", "info"}) {
    EXPECT_NE(table.find(std::string("\n  ") + command + " "), std::string::npos) << command;
    Result help = run({command, "--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_NE(help.out.find(std::string("Usage: fake ") + command), std::string::npos) << help.out;
  }
  EXPECT_EQ(table.find("logits"), std::string::npos);
  EXPECT_EQ(dense.find("search"), std::string::npos);
  EXPECT_EQ(dense.find("generate"), std::string::npos);
}

TEST_F(ProgramTest, ProfilesKernels) {
  Result result = run({"eval", "--data", at("text.txt"), "--tokenizer", at("tok.bin"), "--profile", "--max-tokens=16"});
  EXPECT_NE(result.error.find("token_losses"), std::string::npos) << result.error;
}

TEST_F(ProgramTest, ComplainsAboutCommandLines) {
  expectError(run({}), "a subcommand is required; see fake --help");
  expectError(run({"eval", "--bogus"}), "the following argument was not expected: --bogus; see fake eval --help");
  expectError(run({"train"}), "--data is required; see fake train --help");
  expectError(run({"eval", "--bits", "2", "--configuration", "x"}), "--bits excludes --configuration");
  expectError(run({"eval", "--threads=-1"}), "--threads: ");
  expectError(run({"eval", "--isa=mmx", "--data", at("text.txt"), "--tokenizer", at("tok.bin")}),
              "instruction set 'mmx' is unknown, wanted portable, avx2 or avx512");
}

TEST_F(ProgramTest, ComplainsAboutTrainingOptions) {
  expectError(train("run", {}), "no end of training: give --max-steps or --max-minutes");
  auto refused = [&](std::vector<std::string> more, const std::string &text) {
    more.push_back("--max-steps=1");
    expectError(train("run", more), text);
  };
  refused({"--learning-rate=0"}, "--learning-rate is 0, wanted a positive number");
  refused({"--beta1=1"}, "--beta1 is 1, wanted a number in [0, 1)");
  refused({"--beta2=-1"}, "--beta2 is -1, wanted a number in [0, 1)");
  refused({"--epsilon=0"}, "--epsilon is 0, wanted a positive number");
  refused({"--weight-decay=-1"}, "--weight-decay is -1, wanted no negative number");
  refused({"--schedule=linear"}, "--schedule is linear, wanted constant or cosine");
  refused({"--warmup-steps=-1"}, "--warmup-steps is -1, wanted no negative number");
  refused({"--gradient-accumulation=0"}, "--gradient-accumulation is 0, wanted at least 1");
  refused({"--clip=-1"}, "--clip is -1, wanted no negative number");
  refused({"--period=-1"}, "--period is -1, wanted a positive number");
  refused({"--keep=0"}, "--keep is 0, wanted at least 1");
  refused({"--eval-every=-1"}, "--eval-every is -1, wanted no negative number");
  refused({"--max-minutes=-1"}, "--max-minutes is -1, wanted a positive number");
  refused({"--checkpoint-every=often"}, "--checkpoint-every is 'often', wanted steps (100) or minutes (10m)");
  refused({"--checkpoint-every=2.5"}, "--checkpoint-every is '2.5', wanted steps (100) or minutes (10m)");
  refused({"--sampler=fair"}, "sampler 'fair' is unknown");
  EXPECT_FALSE(std::filesystem::exists(at("run")));
}

TEST_F(ProgramTest, ComplainsAboutRunsAndFiles) {
  ASSERT_EQ(train("run", {"--max-steps=2"}).code, 0);
  expectError(train("run", {"--max-steps=4"}),
              "run '" + at("run") + "' is at step 2 already; go on with --resume, or choose another --out");
  expectError(run({"train", "--resume", "--out", at("none"), "--data", at("text.txt"), "--tokenizer", at("tok.bin"),
                   "--max-steps=1"}),
              "cannot resume '" + at("none") + "': no such run");
  expectError(run({"eval", "--run", at("none")}), "'" + at("none") + "' is not a run: it holds no config.yaml");
  expectError(run({"eval", "--data", at("text.txt")}), "no tokenizer: give --tokenizer");
  expectError(run({"eval", "--tokenizer", at("tok.bin")}), "no text: give --data");
  expectError(run({"eval", "--weights", at("none"), "--data", at("text.txt"), "--tokenizer", at("tok.bin")}),
              "cannot open " + at("none"));
  expectError(run({"eval", "--weights", at("run"), "--data", at("text.txt"), "--tokenizer", at("tok.bin")}),
              "'" + at("run") + "' is no run with whole weights: it holds no model.safetensors");
  expectError(run({"search", "--run", at("run"), "--budget", "cheap"}), "budget 'cheap', wanted");
  expectError(run({"search", "--run", at("run"), "--budget", "1bpw"}), "budget '1bpw' cannot be met");
  expectError(run({"search", "--run", at("run"), "--budget", "3bpw", "--samples=0"}), "--samples is 0");
  expectError(run({"eval", "--run", at("run"), "--bits", "7"}),
              "site 'model.layers.0.mlp' has a choice of bits 2, 3, 4");
  std::filesystem::remove_all(at("run/checkpoints"));
  expectError(run({"eval", "--run", at("run")}), "run '" + at("run") + "' has no checkpoint yet");
  std::filesystem::remove(at("fake.safetensors"));
  expectError(run({"eval", "--data", at("text.txt"), "--tokenizer", at("tok.bin")}),
              "no weights beside the program: '" + at("fake.safetensors") +
                  "' does not exist; name them with --weights");
}

TEST_F(ProgramTest, ComplainsAboutASupernetOfAnotherProgram) {
  ASSERT_EQ(train("run", {"--max-steps=2"}).code, 0);
  qfa_module_t other = fake::table;
  other.supernet_options = "bits=other";
  expectError(run({"eval", "--run", at("run")}, other),
              at("run/supernet.safetensors") +
                  ": made for a supernet with options 'bits=fake', this program has 'bits=other'");
}

TEST_F(ProgramTest, ComplainsAboutConfigurations) {
  ASSERT_EQ(train("run", {"--max-steps=1"}).code, 0);
  auto refused = [&](const std::string &content, const std::string &text) {
    writeText("c.json", content);
    expectError(run({"eval", "--run", at("run"), "--configuration", at("c.json")}), text);
  };
  refused("{", at("c.json") + ": wanted JSON with a 'configuration' of bits by site");
  refused("{\"configuration\": {}}", at("c.json") + ": no bits for site 'model.embed_tokens.site'");
  refused("{\"configuration\": {\"model.embed_tokens.site\": 8, \"model.layers.0.mlp\": 5, \"model.layers.1.mlp\": 2}}",
          "site 'model.layers.0.mlp' has a choice of bits 2, 3, 4, not 5");
  refused("{\"configuration\": {\"model.embed_tokens.site\": 8, \"model.layers.0.mlp\": 2, \"model.layers.1.mlp\": 2, "
          "\"x\": 2}}",
          at("c.json") + ": configuration of 4 sites, this program has 3");
}

TEST_F(ProgramTest, ComplainsAboutConfigFiles) {
  auto refused = [&](const std::string &content, const std::string &text) {
    writeText("r.yaml", content);
    expectError(train("run", {"--config", at("r.yaml")}), at("r.yaml") + text);
  };
  refused("- a\n- b\n", ": wanted a map of options");
  refused("speed: 3\n", ": unknown option 'speed'");
  refused("data: {a: b}\n", ": option 'data' is a map, wanted a value or a list");
  refused("a: [\n", ":");
}

TEST_F(ProgramTest, ComplainsAboutGeneration) {
  auto refused = [&](std::vector<std::string> more, const std::string &text) {
    std::vector<std::string> arguments = {"generate", "--tokenizer", at("tok.bin"), "--prompt", "a"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    expectError(run(arguments), text);
  };
  refused({"--temperature=-1"}, "--temperature is -1, wanted no negative number");
  refused({"--top-k=-1"}, "--top-k is -1, wanted no negative number");
  refused({"--top-p=0"}, "--top-p is 0, wanted a number in (0, 1]");
  expectError(run({"generate", "--tokenizer", at("tok.bin"), "--prompt=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}),
              "33 tokens do not fit after 0 into a context of 20");
  Result full =
      run({"generate", "--tokenizer", at("tok.bin"), "--prompt", "the cat", "--tokens=100", "--temperature=50"});
  EXPECT_EQ(full.code, 0);
}

TEST(Progress, WritesClocks) {
  EXPECT_EQ(clockText(7.4), "0:07");
  EXPECT_EQ(clockText(187), "3:07");
  EXPECT_EQ(clockText(3765), "1:02:45");
}
