/* Counts the system calls that change a folder, and lets the n-th one of them fail or be the last.
 *
 * Loaded with LD_PRELOAD, so that the calls of SQLite and of Arrow are counted like those of Python. Armed by
 * fault_arm(); off until then. What is not below the folder is left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { OFF, KILL, TORN, ERROR, FULL }; /* before it; in the middle of a write; it fails; from it on nothing is written */

static char folder[4096];
static size_t folder_length;
static int mode = OFF, code = 0;
static atomic_long count, at;

void fault_arm(const char *path, long n, int how, int error) {
    folder_length = strlen(path);
    memcpy(folder, path, folder_length + 1);
    atomic_store(&count, 0);
    atomic_store(&at, n);
    code = error;
    mode = how;
}

long fault_count(void) { return atomic_load(&count); }

static int below(const char *path) {
    return mode != OFF && path && !strncmp(path, folder, folder_length) &&
           (path[folder_length] == '/' || path[folder_length] == 0);
}

static int descriptor_below(int descriptor) {
    char link[64], path[4096];
    if (mode == OFF) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below(path);
}

static int name_below(int at_descriptor, const char *path) {
    return path && path[0] == '/' ? below(path) : descriptor_below(at_descriptor);
}

/* Count a call; say whether it must fail. `space` tells whether it needs room on the disk. */
static int fails(int space) {
    long n = atomic_fetch_add(&count, 1) + 1;
    if (n == atomic_load(&at) && (mode == KILL || mode == TORN)) kill(getpid(), SIGKILL);
    int failing = (mode == ERROR && n == atomic_load(&at)) || (mode == FULL && space && n >= atomic_load(&at));
    if (failing) errno = code;
    return failing;
}

static int torn_now(void) { return mode == TORN && atomic_load(&count) + 1 == atomic_load(&at); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPENED(name, call)                                                                                             \
    va_list rest;                                                                                                      \
    va_start(rest, flags);                                                                                             \
    mode_t bits = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                                            \
    va_end(rest);                                                                                                      \
    return call
int open(const char *path, int flags, ...) {
    if (below(path) && flags & (O_CREAT | O_TRUNC) && fails(1)) return -1;
    OPENED(open, REAL(open)(path, flags, bits));
}
int open64(const char *path, int flags, ...) {
    if (below(path) && flags & (O_CREAT | O_TRUNC) && fails(1)) return -1;
    OPENED(open64, REAL(open64)(path, flags, bits));
}
int openat(int folder_, const char *path, int flags, ...) {
    if (flags & (O_CREAT | O_TRUNC) && name_below(folder_, path) && fails(1)) return -1;
    OPENED(openat, REAL(openat)(folder_, path, flags, bits));
}
ssize_t write(int descriptor, const void *data, size_t size) {
    if (descriptor_below(descriptor)) {
        if (torn_now()) REAL(write)(descriptor, data, size / 2);
        if (fails(1)) return -1;
    }
    return REAL(write)(descriptor, data, size);
}
ssize_t pwrite(int descriptor, const void *data, size_t size, off_t offset) {
    if (descriptor_below(descriptor)) {
        if (torn_now()) REAL(pwrite)(descriptor, data, size / 2, offset);
        if (fails(1)) return -1;
    }
    return REAL(pwrite)(descriptor, data, size, offset);
}
ssize_t pwrite64(int descriptor, const void *data, size_t size, off64_t offset) {
    if (descriptor_below(descriptor)) {
        if (torn_now()) REAL(pwrite64)(descriptor, data, size / 2, offset);
        if (fails(1)) return -1;
    }
    return REAL(pwrite64)(descriptor, data, size, offset);
}
int ftruncate(int descriptor, off_t size) {
    return descriptor_below(descriptor) && fails(0) ? -1 : REAL(ftruncate)(descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) {
    return descriptor_below(descriptor) && fails(0) ? -1 : REAL(ftruncate64)(descriptor, size);
}
int fsync(int descriptor) { return descriptor_below(descriptor) && fails(0) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return descriptor_below(descriptor) && fails(0) ? -1 : REAL(fdatasync)(descriptor); }
int rename(const char *from, const char *to) { return below(to) && fails(0) ? -1 : REAL(rename)(from, to); }
int unlink(const char *path) { return below(path) && fails(0) ? -1 : REAL(unlink)(path); }
int unlinkat(int folder_, const char *path, int flags) {
    return name_below(folder_, path) && fails(0) ? -1 : REAL(unlinkat)(folder_, path, flags);
}
int mkdir(const char *path, mode_t bits) { return below(path) && fails(1) ? -1 : REAL(mkdir)(path, bits); }
int rmdir(const char *path) { return below(path) && fails(0) ? -1 : REAL(rmdir)(path); }
int chmod(const char *path, mode_t bits) { return below(path) && fails(0) ? -1 : REAL(chmod)(path, bits); }
int fchmod(int descriptor, mode_t bits) {
    return descriptor_below(descriptor) && fails(0) ? -1 : REAL(fchmod)(descriptor, bits);
}
