/*
 * For bench:checks on a kernel without IPVS: answers keepalived's IPVS socket options, so that Debian's unmodified
 * binary runs its health checks. Nothing is programmed; what the checks cost is not touched by it.
 */
/* No headers: the benchmark's small compiler comes without the C library's. */
typedef unsigned int socklen_t;
extern void *dlsym(void *handle, const char *name);
extern void *memset(void *to, int byte, unsigned long length);
#define RTLD_NEXT ((void *)-1l)

/* IP_VS_BASE_CTL of linux/ip_vs.h, and the options above it. */
enum { FIRST = 64 + 1024 + 64, LAST = FIRST + 31, GET_VERSION = FIRST, GET_INFO = FIRST + 1 };

int getsockopt(int fd, int level, int option, void *value, socklen_t *length) {
  if (level == 0 && option >= FIRST && option <= LAST) {
    memset(value, 0, *length);
    /* struct ip_vs_getinfo: version, size of the connection table, number of services */
    if (option == GET_INFO && *length >= 12) {
      unsigned *info = value;
      info[0] = 0x10201;
      info[1] = 4096;
    }
    return 0;
  }
  static int (*real)(int, int, int, void *, socklen_t *);
  if (!real) real = dlsym(RTLD_NEXT, "getsockopt");
  return real(fd, level, option, value, length);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length) {
  if (level == 0 && option >= FIRST && option <= LAST) return 0;
  static int (*real)(int, int, int, const void *, socklen_t);
  if (!real) real = dlsym(RTLD_NEXT, "setsockopt");
  return real(fd, level, option, value, length);
}
