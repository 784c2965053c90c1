// A guess of losses not yet measured: every site adds its own damage, which falls by a factor of four a bit, as the
// squared error of rounding does. Fitted to measured losses by ridge regression.
#ifndef QFA_RUNTIME_SEARCH_ADDITIVEMODEL_H
#define QFA_RUNTIME_SEARCH_ADDITIVEMODEL_H

#include "core/Module.h"

#include <map>

namespace qfa::rt {

class AdditiveModel {
public:
  explicit AdditiveModel(const std::map<Configuration, double> &losses);
  double predict(const Configuration &configuration) const;

private:
  double offset = 0;
  std::vector<double> means, slopes; // by site
};

} // namespace qfa::rt

#endif // QFA_RUNTIME_SEARCH_ADDITIVEMODEL_H
