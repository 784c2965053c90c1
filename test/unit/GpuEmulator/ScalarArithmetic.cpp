// Statements of arithmetic with a rounding mode, and of functions of one value.
#include "ExactNumbers.h"
#include "ScalarCases.h"

using namespace qfa::emu;

template <typename T, typename Op>
static void addRounded(ScalarCases &cases, const std::string &name, int arity, Op op, bool saturates) {
  for (auto [mode, rounding] : modes)
    for (bool flush : {false, true})
      for (bool saturate : {false, true}) {
        if ((sizeof(T) == 8 && (flush || saturate)) || (saturate && !saturates))
          continue;
        std::string suffix = sizeof(T) == 4 ? "f" : "d";
        Mode rounds = rounding;
        cases.push_back({name + mode + (flush ? ".ftz" : "") + (saturate ? ".sat" : "") + "." + suffix,
                         suffix + std::string(arity, suffix[0]), [=](const uint64_t *in) {
                           auto of = [&](int i) { return flushed(take<T>(in[i]), flush); };
                           T result = flushed(op(of(0), of(arity > 1), of(arity > 2 ? 2 : 0), rounds), flush);
                           if (saturate) // clamped to [0, 1], NaN and -0 give +0
                             result = result >= 1 ? T(1) : result > 0 ? result : T(0);
                           return bitsOf(result);
                         }});
      }
}

void qfa::emu::addArithmetic(ScalarCases &cases) {
  auto all = [&](const std::string &name, int arity, auto op, bool saturates) {
    addRounded<float>(cases, name, arity, [=](float x, float y, float z, Mode m) { return op(x, y, z, m); }, saturates);
    addRounded<double>(cases, name, arity, [=](double x, double y, double z, Mode m) { return op(x, y, z, m); }, false);
  };
  all("add", 2, [](auto x, auto y, auto, Mode m) { return sumOf(x, y, m); }, true);
  all("mul", 2, [](auto x, auto y, auto, Mode m) { return productOf(x, y, m); }, false);
  all("div", 2, [](auto x, auto y, auto, Mode m) { return quotientOf(x, y, m); }, false);
  all("fma", 3, [](auto x, auto y, auto z, Mode m) { return fusedOf(x, y, z, m); }, true);
  all("rcp", 1, [](auto x, auto, auto, Mode m) { return quotientOf(decltype(x)(1), x, m); }, false);
  all("sqrt", 1, [](auto x, auto, auto, Mode m) { return rootOf(x, m); }, false);
}

template <typename T>
static void addUnary(ScalarCases &cases, const std::string &name, bool flush, double tolerance, T (*function)(T)) {
  std::string letter = sizeof(T) == 4 ? "f" : "d";
  cases.push_back({name, letter + letter,
                   [=](const uint64_t *in) { return bitsOf(flushed(function(flushed(take<T>(in[0]), flush)), flush)); },
                   tolerance});
}

// The approximate instructions: 2^-20 covers every bound that the PTX ISA gives for inputs in their good range.
static const double approximately = std::ldexp(1.0, -20);

void qfa::emu::addFunctions(ScalarCases &cases) {
  auto both = [&](const std::string &name, double tolerance, float (*function)(float)) {
    addUnary<float>(cases, name + ".f", false, tolerance, function);
    addUnary<float>(cases, name + ".ftz.f", true, tolerance, function);
  };
  both("floor", 0, [](float x) { return std::floor(x); });
  both("ceil", 0, [](float x) { return std::ceil(x); });
  both("trunc", 0, [](float x) { return std::trunc(x); });
  both("round", 0, [](float x) { return std::isfinite(x) ? std::copysign(float(integerNear(x, Nearest)), x) : x; });
  both("saturate", 0, [](float x) { return x >= 1 ? 1.0f : x > 0 ? x : 0.0f; });
  both("sqrt.approx", approximately, [](float x) { return x < 0 ? NAN : float(std::pow(double(x), 0.5)); });
  both("rsqrt.approx", approximately, [](float x) {
    return x < 0 ? NAN : x == 0 ? std::copysign(INFINITY, x) : float(std::pow(double(x), -0.5));
  });
  both("sin.approx", approximately, [](float x) { return float(std::sin(double(x))); });
  both("cos.approx", approximately, [](float x) { return float(std::cos(double(x))); });
  both("lg2.approx", approximately, [](float x) { return float(std::log(double(x)) / std::log(2.0)); });
  addUnary<double>(cases, "floor.d", false, 0, [](double x) { return std::floor(x); });
  addUnary<double>(cases, "ceil.d", false, 0, [](double x) { return std::ceil(x); });
  addUnary<double>(cases, "trunc.d", false, 0, [](double x) { return std::trunc(x); });
  addUnary<double>(cases, "round.d", false, 0,
                   [](double x) { return std::isfinite(x) ? std::copysign(double(integerNear(x, Nearest)), x) : x; });
  addUnary<double>(cases, "saturate.d", false, 0, [](double x) { return x >= 1 ? 1.0 : x > 0 ? x : 0.0; });
  addUnary<float>(cases, "sqrt.f", false, 0, [](float x) { return rootOf(x, Nearest); });
  auto rootReciprocal = [](double x) { return x == 0 ? std::copysign(INFINITY, x) : 1 / std::sqrt(x); };
  addUnary<double>(cases, "rsqrt.approx.d", false, approximately, rootReciprocal);
  addUnary<double>(cases, "rsqrt.approx.ftz.d", true, approximately, rootReciprocal);
  addUnary<float>(cases, "rcp.approx.ftz.f", true, approximately, [](float x) { return 1 / x; });
  addUnary<double>(cases, "rcp.approx.ftz.d", true, approximately, [](double x) { return 1 / x; });
  addUnary<float>(cases, "ex2.approx.f32", false, approximately,
                  [](float x) { return float(std::pow(2.0, double(x))); });
  addUnary<float>(cases, "ex2.approx.ftz.f32", true, approximately,
                  [](float x) { return float(std::pow(2.0, double(x))); });
  addUnary<float>(cases, "fabs.f32", false, 0, [](float x) { return x < 0 || (x == 0 && std::signbit(x)) ? -x : x; });
  addUnary<float>(cases, "fabs.ftz.f32", true, 0,
                  [](float x) { return x < 0 || (x == 0 && std::signbit(x)) ? -x : x; });
  addUnary<double>(cases, "fabs.f64", false, 0, [](double x) { return x < 0 || (x == 0 && std::signbit(x)) ? -x : x; });
  for (auto [name, flush] :
       {std::pair{"div.approx.f", false}, {"div.approx.ftz.f", true}, {"div.full", false}, {"div.full.ftz", true}})
    cases.push_back({name, "fff",
                     [flush = flush](const uint64_t *in) {
                       return bitsOf(flushed(flushed(asFloat(in[0]), flush) / flushed(asFloat(in[1]), flush), flush));
                     },
                     approximately});
  for (bool greater : {false, true}) {
    std::string name = greater ? "fmax" : "fmin";
    auto pick = [=](auto x, auto y, bool nan) {
      using T = decltype(x);
      if (std::isnan(x) || std::isnan(y))
        return nan || (std::isnan(x) && std::isnan(y)) ? std::numeric_limits<T>::quiet_NaN() : std::isnan(x) ? y : x;
      return (x != y ? (x > y) == greater : std::signbit(x) != greater) ? x : y;
    };
    for (bool nan : {false, true})
      for (bool flush : {false, true})
        cases.push_back({name + (flush ? ".ftz" : "") + (nan ? ".nan" : "") + ".f", "fff", [=](const uint64_t *in) {
                           return bitsOf(pick(flushed(asFloat(in[0]), flush), flushed(asFloat(in[1]), flush), nan));
                         }});
    cases.push_back({name + ".d", "ddd",
                     [=](const uint64_t *in) { return bitsOf(pick(asDouble(in[0]), asDouble(in[1]), false)); }});
  }
}
