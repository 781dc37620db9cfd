#include <vector>

void keep(std::vector<int>& values) {
  values.push_back(1);
}
