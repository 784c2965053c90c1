// Ridge regression by the normal equations and Cholesky's factorization.
#include "search/AdditiveModel.h"

#include <cmath>

using namespace qfa::rt;

static double damage(int32_t bits) { return std::pow(4.0, -bits); }

// Solves (a) x = b in place for a symmetric positive definite a [n, n].
static void solve(std::vector<double> &a, std::vector<double> &b) {
  size_t n = b.size();
  for (size_t j = 0; j < n; ++j) {
    for (size_t k = 0; k < j; ++k)
      for (size_t i = j; i < n; ++i)
        a[i * n + j] -= a[i * n + k] * a[j * n + k];
    double pivot = std::sqrt(a[j * n + j]);
    for (size_t i = j; i < n; ++i)
      a[i * n + j] /= pivot;
    b[j] /= pivot;
    for (size_t i = j + 1; i < n; ++i)
      b[i] -= a[i * n + j] * b[j];
  }
  for (size_t j = n; j-- > 0;) {
    for (size_t i = j + 1; i < n; ++i)
      b[j] -= a[i * n + j] * b[i];
    b[j] /= a[j * n + j];
  }
}

AdditiveModel::AdditiveModel(const std::map<Configuration, double> &losses) {
  size_t sites = losses.empty() ? 0 : losses.begin()->first.size(), count = 0;
  means.assign(sites, 0);
  slopes.assign(sites, 0);
  for (const auto &[configuration, loss] : losses) {
    if (!std::isfinite(loss))
      continue;
    ++count;
    offset += loss;
    for (size_t site = 0; site < sites; ++site)
      means[site] += damage(configuration[site]);
  }
  if (count == 0)
    return;
  offset /= static_cast<double>(count);
  for (double &mean : means)
    mean /= static_cast<double>(count);
  std::vector<double> normal(sites * sites, 0), x(sites);
  double trace = 0;
  for (const auto &[configuration, loss] : losses) {
    if (!std::isfinite(loss))
      continue;
    for (size_t i = 0; i < sites; ++i)
      x[i] = damage(configuration[i]) - means[i];
    for (size_t i = 0; i < sites; ++i) {
      slopes[i] += x[i] * (loss - offset);
      trace += x[i] * x[i];
      for (size_t j = 0; j <= i; ++j)
        normal[i * sites + j] += x[i] * x[j];
    }
  }
  // The penalty keeps the fit sane while there are fewer losses than sites; 1e-12 serves sites without a choice.
  for (size_t i = 0; i < sites; ++i)
    normal[i * sites + i] += 0.02 * trace / static_cast<double>(sites) + 1e-12;
  solve(normal, slopes);
}

double AdditiveModel::predict(const Configuration &configuration) const {
  double sum = offset;
  for (size_t site = 0; site < configuration.size(); ++site)
    sum += slopes[site] * (damage(configuration[site]) - means[site]);
  return sum;
}
