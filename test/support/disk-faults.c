// Makes the disk fail, for the database files of one folder: preloaded into a process (LD_PRELOAD), it stands before the
// system's calls. DISK_FAULTS_FOLDER names the folder, DISK_FAULTS_CONTROL a file that the test writes while the process runs.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

enum { READS = 1, WRITES = 2, SYNCS = 4, TRUNCATES = 8 };

// As test/support/disk-faults.ts writes and reads it.
struct control {
  _Atomic uint32_t kinds;    // which calls may fail
  _Atomic uint32_t rate;     // of 65536 calls so many fail
  _Atomic uint32_t error;    // errno of a write or a sync that fails; a read fails with EIO
  _Atomic uint32_t injected; // how many have failed
  _Atomic uint64_t random;   // state of the generator, the seed at first
};

static struct control *control;
static char folder[4096];

__attribute__((constructor)) static void set_up(void) {
  const char *file = getenv("DISK_FAULTS_CONTROL"), *within = getenv("DISK_FAULTS_FOLDER");
  if (file == NULL || within == NULL || realpath(within, folder) == NULL) return;
  int fd = open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (memory != MAP_FAILED) control = memory;
}

static uint64_t draw(void) {
  uint64_t z = atomic_fetch_add(&control->random, 0x9e3779b97f4a7c15u) + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static int is_database(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strncmp(path, folder, strlen(folder)) == 0 && strstr(path + strlen(folder), ".db") != NULL;
}

static int fails(int kind, int fd) {
  if (control == NULL || (control->kinds & kind) == 0) return 0;
  if ((draw() & 0xffff) >= control->rate || !is_database(fd)) return 0;
  atomic_fetch_add(&control->injected, 1);
  errno = kind == READS ? EIO : (int)control->error;
  return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// Some of what is not said to be written is written nevertheless, as a disk may do it.
static size_t torn(size_t count) { return draw() & 1 ? draw() % (count + 1) : 0; }

#define READ(name, parameters, arguments)                                                                              \
  ssize_t name parameters {                                                                                            \
    static __typeof__(&name) real;                                                                                     \
    if (real == NULL) real = REAL(name);                                                                               \
    return fails(READS, fd) ? -1 : real arguments;                                                                     \
  }
READ(read, (int fd, void *to, size_t count), (fd, to, count))
READ(pread, (int fd, void *to, size_t count, off_t at), (fd, to, count, at))
READ(pread64, (int fd, void *to, size_t count, off64_t at), (fd, to, count, at))

#define WRITE(name, parameters, arguments)                                                                             \
  ssize_t name parameters {                                                                                            \
    static __typeof__(&name) real;                                                                                     \
    if (real == NULL) real = REAL(name);                                                                               \
    if (!fails(WRITES, fd)) return real arguments;                                                                     \
    int error = errno;                                                                                                 \
    count = torn(count);                                                                                               \
    if (count > 0) (void)!real arguments;                                                                              \
    errno = error;                                                                                                     \
    return -1;                                                                                                         \
  }
WRITE(write, (int fd, const void *from, size_t count), (fd, from, count))
WRITE(pwrite, (int fd, const void *from, size_t count, off_t at), (fd, from, count, at))
WRITE(pwrite64, (int fd, const void *from, size_t count, off64_t at), (fd, from, count, at))

#define OTHER(kind, name, parameters, arguments)                                                                       \
  int name parameters {                                                                                                \
    static __typeof__(&name) real;                                                                                     \
    if (real == NULL) real = REAL(name);                                                                               \
    return fails(kind, fd) ? -1 : real arguments;                                                                      \
  }
OTHER(SYNCS, fsync, (int fd), (fd))
OTHER(SYNCS, fdatasync, (int fd), (fd))
OTHER(TRUNCATES, ftruncate, (int fd, off_t length), (fd, length))
OTHER(TRUNCATES, ftruncate64, (int fd, off64_t length), (fd, length))
