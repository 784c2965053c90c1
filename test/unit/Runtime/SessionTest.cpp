// Sessions: what is in force, what an update changes, and the arithmetic seen through a module.
#include "Workspace.h"

#include "generate/Generator.h"
#include "qfa/Format/Safetensors.h"
#include "support/Error.h"
#include "train/Evaluation.h"

#include <cmath>
#include <set>

using namespace qfa;
using namespace qfa::rt;

class SessionTest : public Workspace {
protected:
  static Batch batch() {
    Batch result;
    result.rows = fake::batch, result.length = fake::sequence;
    for (int64_t t = 0; t < fake::batch * fake::sequence; ++t) {
      result.ids.push_back(static_cast<int32_t>((5 * t + 1) % fake::vocabulary));
      result.labels.push_back(t % 5 == 4 ? kIgnoredLabel : static_cast<int32_t>((3 * t + 2) % fake::vocabulary));
      result.labelCount += result.labels.back() >= 0;
    }
    return result;
  }
  static LossSum loss(Session &session) {
    Batch data = batch();
    return runLossEntry(session, session.module.entry("eval_step"), data);
  }
};

TEST_F(SessionTest, SumsLossesOfTheLabelsOnly) {
  auto machine = open();
  machine->session.setConfiguration({8, 4, 4});
  LossSum sum = loss(machine->session);
  EXPECT_EQ(sum.tokens, 13);
  EXPECT_NEAR(sum.mean(), std::log(32.0), 1);
}

TEST_F(SessionTest, IsTheSameWithAnyThreads) {
  std::vector<double> sums;
  for (int threads : {1, 2, 5}) {
    auto machine = open(threads);
    machine->session.setConfiguration({8, 3, 2});
    sums.push_back(loss(machine->session).loss);
    EXPECT_EQ(machine->device->launches(), 1);
    EXPECT_EQ(machine->device->flops(), 500000);
  }
  EXPECT_EQ(sums[0], sums[1]);
  EXPECT_EQ(sums[0], sums[2]);
}

TEST_F(SessionTest, PutsAnotherCopyInForce) {
  auto machine = open();
  std::set<double> losses;
  for (int32_t first : {2, 3, 4})
    for (int32_t second : {2, 4}) {
      machine->session.setConfiguration({8, first, second});
      losses.insert(loss(machine->session).loss);
    }
  EXPECT_EQ(losses.size(), 6u);
  machine->session.setConfiguration({8, 4, 4});
  double before = loss(machine->session).loss;
  machine->session.setConfiguration({8, 2, 2});
  machine->session.setConfiguration({8, 4, 4});
  EXPECT_EQ(loss(machine->session).loss, before);
}

// The gradients that the module accumulates are those of the loss that evaluation sees.
TEST_F(SessionTest, GradientsEqualFiniteDifferences) {
  auto machine = open();
  Session &session = machine->session;
  session.setConfiguration({8, 3, 4});
  TrainedTensor &b = session.trained().adapter(1, 1, QFA_ROLE_ADAPTER_B);
  for (int64_t i = 0; i < b.elements; ++i)
    b.value[i] = 0.01f * static_cast<float>(i % 7 - 3);
  TrainedTensor &a = session.trained().adapter(1, 1, QFA_ROLE_ADAPTER_A);
  Batch data = batch();
  runLossEntry(session, session.module.entry("train_step"), data);
  double norm = session.gradientNorm();
  double before = a.value[0];
  session.update({.learningRate = 1, .beta1 = 0, .beta2 = 0, .epsilon = 1e30f}, 1); // value -= g / 1e30: nothing moves
  EXPECT_EQ(a.value[0], before);
  double gradient = a.m.as<float>()[0]; // beta1 = 0: the gradient itself
  float step = 1e-2f;
  a.value[0] += step;
  double up = loss(session).loss;
  a.value[0] -= 2 * step;
  double down = loss(session).loss;
  EXPECT_NEAR((up - down) / (2 * step), gradient, 1e-2 * std::abs(gradient) + 1e-3);
  EXPECT_GT(norm, std::abs(gradient));
}

TEST_F(SessionTest, UpdatesOnlyWhatWasSampled) {
  auto machine = open();
  Session &session = machine->session;
  session.setConfiguration({8, 2, 4});
  for (int step = 0; step < 2; ++step) {
    session.zeroGradients();
    Batch data = batch();
    runLossEntry(session, session.module.entry("train_step"), data);
    session.update({}, 1.0 / 13);
    session.setConfiguration({8, 3, 4});
  }
  std::map<std::string, int64_t> steps;
  for (TrainedTensor *tensor : session.trained().updated())
    steps[tensor->name] = tensor->steps;
  EXPECT_EQ(steps, (std::map<std::string, int64_t>{{"model.layers.0.mlp.b2.adapter_a", 1},
                                                   {"model.layers.0.mlp.b2.adapter_b", 1},
                                                   {"model.layers.0.mlp.b3.adapter_a", 1},
                                                   {"model.layers.0.mlp.b3.adapter_b", 1},
                                                   {"model.layers.1.mlp.b4.adapter_a", 2},
                                                   {"model.layers.1.mlp.b4.adapter_b", 2}}));
}

// Read as one block, as tokens, or as blocks and a rest: the same logits.
TEST_F(SessionTest, PrefillAndDecodeAgree) {
  auto machine = open();
  machine->session.setConfiguration({8, 4, 4});
  std::vector<int32_t> ids = {1, 9, 4, 7, 30, 2, 11};
  std::vector<std::vector<float>> logits;
  for (size_t part : {1, 2, 3, 4, 7}) {
    Generator generator(machine->session);
    std::span<const float> last;
    for (size_t i = 0; i < ids.size(); i += part)
      last = generator.read(std::span(ids).subspan(i, std::min(part, ids.size() - i)));
    logits.emplace_back(last.begin(), last.end());
    EXPECT_EQ(generator.position(), 7);
  }
  for (auto &each : logits)
    EXPECT_EQ(each, logits[0]);
}

static std::string reason(const std::function<void()> &work) {
  try {
    work();
  } catch (const Error &error) {
    return error.what();
  }
  return "";
}

TEST_F(SessionTest, FillsTheContextAndNoMore) {
  auto machine = open();
  machine->session.setConfiguration({8, 4, 4});
  Generator generator(machine->session);
  std::vector<int32_t> ids(19, 5);
  generator.read(ids);
  generator.read({ids.data(), 1});
  EXPECT_EQ(reason([&] { generator.read({ids.data(), 1}); }), "1 tokens do not fit after 20 into a context of 20");
  generator.restart();
  ids[0] = 32;
  EXPECT_EQ(reason([&] { generator.read(ids); }), "token id 32 is outside the model's vocabulary of 32");
  EXPECT_EQ(reason([&] { generator.read({}); }), "nothing to read: the prompt has no tokens");
}

TEST_F(SessionTest, NamesWhatIsWrongWithWeights) {
  using format::DType;
  std::string file = at("bad.safetensors");
  auto refusal = [&](DType type, std::vector<int64_t> shape, float value) { // of a file with the norm alone
    format::SafetensorsWriter writer;
    std::string error;
    std::vector<float> values(16, value);
    writer.declare("model.norm.weight", type, shape);
    EXPECT_TRUE(writer.open(file, error) && writer.write("model.norm.weight", values.data(), 64, error) &&
                writer.finish(error))
        << error;
    return reason([&] {
      Machine machine({*module, at("fake")}, MachineOptions(), {file, ""}, 0);
      machine.session.setConfiguration({8, 2, 2});
    });
  };
  EXPECT_EQ(refusal(DType::F32, {4, 4}, 1), file + ": weight 'model.norm.weight' has shape [4, 4], wanted [16]");
  EXPECT_EQ(refusal(DType::I32, {16}, 1), file + ": weight 'model.norm.weight' has type I32, wanted F32, F16 or BF16");
  EXPECT_EQ(refusal(DType::F32, {16}, NAN), file + ": weight 'model.norm.weight' holds a NaN or an infinity");
  EXPECT_EQ(refusal(DType::F32, {16}, 1), file + ": weight 'model.embed_tokens.weight' is missing");
}

TEST_F(SessionTest, RefusesTablesOfAnotherVersion) {
  qfa_module_t other = fake::table;
  other.abi_version = 9;
  EXPECT_EQ(reason([&] { Module module(other); }),
            "module tables have version 9 and " + std::to_string(sizeof(qfa_module_t)) + " bytes, wanted version " +
                std::to_string(QFA_MODULE_ABI_VERSION) + " and " + std::to_string(sizeof(qfa_module_t)) +
                " bytes: compile the program again");
}

TEST_F(SessionTest, RefusesBitsThatASiteLacks) {
  EXPECT_EQ(reason([&] { module->bitIndex(1, 8); }), "site 'model.layers.0.mlp' has a choice of bits 2, 3, 4, not 8");
  EXPECT_EQ(reason([&] { module->uniform(3); }), "site 'model.layers.1.mlp' has a choice of bits 2, 4, not 3");
  EXPECT_EQ(module->uniform(2), (Configuration{8, 2, 2}));
}

TEST(ChooseToken, TakesTheLikeliestWithoutTemperature) {
  std::vector<float> logits = {0, 3, 1, 3};
  EXPECT_EQ(chooseToken(logits, {}, 0), 1);
}

TEST(ChooseToken, SamplesByTemperatureAndLimits) {
  std::vector<float> logits = {0, 1, 2, -50};
  std::map<int32_t, int> all, two, nucleus;
  for (int64_t i = 0; i < 4000; ++i) {
    ++all[chooseToken(logits, {.temperature = 1}, i)];
    ++two[chooseToken(logits, {.temperature = 1, .topK = 2}, i)];
    ++nucleus[chooseToken(logits, {.temperature = 1, .topP = 0.6}, i)];
  }
  double sum = 1 + std::exp(1.0) + std::exp(2.0);
  EXPECT_NEAR(all[0] / 4000.0, 1 / sum, 0.03);
  EXPECT_NEAR(all[2] / 4000.0, std::exp(2.0) / sum, 0.03);
  EXPECT_EQ(two.size(), 2u);
  EXPECT_NEAR(two[2] / 4000.0, 1 / (1 + std::exp(-1.0)), 0.03);
  EXPECT_EQ(nucleus.size(), 1u); // the likeliest alone has 0.665
  logits[1] = NAN;
  EXPECT_EQ(reason([&] { chooseToken(logits, {}, 0); }), "the model's logits are not numbers");
}
