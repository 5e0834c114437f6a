/* A disk that fails on demand, for LD_PRELOAD: the calls of one kind on files whose path holds a text.

     FAULT="<what> <calls> <n> <text>"

   what    eio, enospc     the call fails with that error
           kill            the process is killed instead of the call
           tear            half of a write is done, then the process is killed
           trace           the call is noted in the file FAULT_LOG, and done
   calls   read, write, sync, size, name (open to create, link, rename, unlink), or any
   n       the n-th such call; "n+" that one and all later ones

   The text is looked for in the path that the descriptor has in /proc, so only Linux will do. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char what[16], calls[16], text[256];
static long nth, count;
static int and_later, ready, noting;
static ssize_t (*real_write)(int, const void *, size_t);

static void prepare(void) {
    char number[32] = "";
    const char *order = getenv("FAULT");
    ready = 1;
    real_write = dlsym(RTLD_NEXT, "write");
    if (!order || sscanf(order, "%15s %15s %31s %255s", what, calls, number, text) != 4) {
        what[0] = 0;
        return;
    }
    nth = strtol(number, NULL, 10);
    and_later = strchr(number, '+') != NULL;
}

static void note(const char *call, const char *path) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s\n", call, path);
    int file;
    noting = 1;
    file = open(getenv("FAULT_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    if (file >= 0) {
        if (real_write(file, line, length) != length) abort();
        close(file);
    }
    noting = 0;
}

/* 0: go on. 1: half of it, then die. -1: fail, errno is set. */
static int meet(const char *kind, const char *call, const char *path) {
    if (!ready) prepare();
    if (!what[0] || noting || (strcmp(calls, "any") && strcmp(calls, kind)) || !strstr(path, text)) return 0;
    count++;
    if (!strcmp(what, "trace")) {
        note(call, path);
        return 0;
    }
    if (count != nth && !(and_later && count > nth)) return 0;
    if (!strcmp(what, "tear") && !strcmp(kind, "write")) return 1;
    if (!strcmp(what, "kill") || !strcmp(what, "tear")) kill(getpid(), SIGKILL);
    errno = !strcmp(what, "enospc") ? ENOSPC : !strcmp(what, "enolck") ? ENOLCK : EIO;
    return -1;
}

static int meet_file(const char *kind, const char *call, int file) {
    char link[64], path[PATH_MAX];
    ssize_t length;
    if (!ready) prepare();
    if (!what[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return meet(kind, call, path);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define DIE_AFTER(half) \
    do { \
        half; \
        kill(getpid(), SIGKILL); \
    } while (0)

ssize_t write(int file, const void *data, size_t size) {
    REAL(write);
    int met = meet_file("write", "write", file);
    if (met > 0) DIE_AFTER(real(file, data, size / 2));
    return met ? -1 : real(file, data, size);
}

ssize_t pwrite(int file, const void *data, size_t size, off_t place) {
    REAL(pwrite);
    int met = meet_file("write", "write", file);
    if (met > 0) DIE_AFTER(real(file, data, size / 2, place));
    return met ? -1 : real(file, data, size, place);
}

ssize_t read(int file, void *data, size_t size) {
    REAL(read);
    return meet_file("read", "read", file) ? -1 : real(file, data, size);
}

ssize_t pread(int file, void *data, size_t size, off_t place) {
    REAL(pread);
    return meet_file("read", "read", file) ? -1 : real(file, data, size, place);
}

int fsync(int file) {
    REAL(fsync);
    return meet_file("sync", "sync", file) ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    return meet_file("sync", "sync", file) ? -1 : real(file);
}

int ftruncate(int file, off_t size) {
    REAL(ftruncate);
    return meet_file("size", "size", file) ? -1 : real(file, size);
}

static int is_lock(int command) { return command == F_SETLK || command == F_SETLKW; }

int fcntl(int file, int command, ...) {
    REAL(fcntl);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return is_lock(command) && meet_file("lock", "lock", file) ? -1 : real(file, command, argument);
}

int unlink(const char *path) {
    REAL(unlink);
    return meet("name", "unlink", path) ? -1 : real(path);
}

int link(const char *from, const char *to) {
    REAL(link);
    return meet("name", "link", to) ? -1 : real(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL(linkat);
    return meet("name", "link", to) ? -1 : real(from_folder, from, to_folder, to, flags);
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return meet("name", "rename", to) ? -1 : real(from, to);
}

int open(const char *path, int flags, ...) {
    REAL(open);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return flags & O_CREAT && meet("name", "create", path) ? -1 : real(path, flags, mode);
}

#ifdef __GLIBC__ /* which has two names for each of these */

ssize_t pwrite64(int file, const void *data, size_t size, off64_t place) {
    REAL(pwrite64);
    int met = meet_file("write", "write", file);
    if (met > 0) DIE_AFTER(real(file, data, size / 2, place));
    return met ? -1 : real(file, data, size, place);
}

ssize_t pread64(int file, void *data, size_t size, off64_t place) {
    REAL(pread64);
    return meet_file("read", "read", file) ? -1 : real(file, data, size, place);
}

int fcntl64(int file, int command, ...) {
    REAL(fcntl64);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return is_lock(command) && meet_file("lock", "lock", file) ? -1 : real(file, command, argument);
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    return meet_file("size", "size", file) ? -1 : real(file, size);
}

int open64(const char *path, int flags, ...) {
    REAL(open64);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return flags & O_CREAT && meet("name", "create", path) ? -1 : real(path, flags, mode);
}

#endif
