/* Preloaded into a real mediusd: what a disk does to it while a file says so. The file's name is in
 * MEDIUS_SLOW_DISK, its content one of: `stall` (every sync waits until the file says otherwise),
 * `full` (a write that makes a file longer gets ENOSPC). Everything else goes through. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int says(const char* word) {
  const char* name = getenv("MEDIUS_SLOW_DISK");
  if (name == NULL) return 0;
  const int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[16] = {0};
  const ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  return count > 0 && strncmp(text, word, strlen(word)) == 0;
}

static void wait_while_stalled(void) {
  const struct timespec pause = {0, 50 * 1000 * 1000};
  while (says("stall")) nanosleep(&pause, NULL);
}

static int no_room(int file, off_t end) {
  struct stat facts;
  return says("full") && fstat(file, &facts) == 0 && S_ISREG(facts.st_mode) && end > facts.st_size;
}

int fdatasync(int file) {
  static int (*real)(int);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "fdatasync");
  wait_while_stalled();
  return real(file);
}

int fsync(int file) {
  static int (*real)(int);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "fsync");
  wait_while_stalled();
  return real(file);
}

ssize_t pwrite64(int file, const void* bytes, size_t count, off_t offset) {
  static ssize_t (*real)(int, const void*, size_t, off_t);
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "pwrite64");
  if (no_room(file, offset + (off_t)count)) {
    errno = ENOSPC;
    return -1;
  }
  return real(file, bytes, count, offset);
}
