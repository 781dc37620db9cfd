#include <mutex>

void enter(std::mutex& mutex) {
  mutex.lock();
}
