/* A disk that fails when told to: preloaded into a process of its own by disk.rs.
 *
 * Only files named ringback.db* are concerned. The file $RINGBACK_DISK_FAULT says what is wrong:
 *   "full"   every write that would make a file longer fails with ENOSPC
 *   "fsync"  every fsync and fdatasync fails with EIO
 * and nothing while it is not there.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fault_is(const char *word) {
    const char *path = getenv("RINGBACK_DISK_FAULT");
    char said[16] = {0};
    if (!path) return 0;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    syscall(SYS_read, fd, said, sizeof said - 1);
    syscall(SYS_close, fd);
    return strncmp(said, word, strlen(word)) == 0;
}

static int concerns(int fd) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length < 0) return 0;
    name[length] = 0;
    return strstr(name, "/ringback.db") != NULL;
}

static int too_long(int fd, off_t end) {
    struct stat now;
    if (!concerns(fd) || !fault_is("full")) return 0;
    return fstat(fd, &now) == 0 && end > now.st_size;
}

static int refuse(int error) {
    errno = error;
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    off_t at = lseek(fd, 0, SEEK_CUR);
    int saved = errno;
    if (at >= 0 && too_long(fd, at + (off_t)count)) return refuse(ENOSPC);
    errno = saved;
    return syscall(SYS_write, fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    if (too_long(fd, at + (off_t)count)) return refuse(ENOSPC);
    return syscall(SYS_pwrite64, fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return pwrite64(fd, bytes, count, at);
}

int fdatasync(int fd) {
    if (concerns(fd) && fault_is("fsync")) return refuse(EIO);
    return syscall(SYS_fdatasync, fd);
}

int fsync(int fd) {
    if (concerns(fd) && fault_is("fsync")) return refuse(EIO);
    return syscall(SYS_fsync, fd);
}
