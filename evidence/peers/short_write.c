/* Preloaded into an adapter: each write to a regular file takes half of what it
 * is given, as write(2) is free to do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

static size_t taken(int fd, size_t count)
{
	struct stat status;

	if (count < 1000 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return count;
	return count / 2;
}

ssize_t write(int fd, const void *data, size_t count)
{
	ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");

	return real(fd, data, taken(fd, count));
}

ssize_t pwrite(int fd, const void *data, size_t count, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");

	return real(fd, data, taken(fd, count), offset);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");

	return real(fd, data, taken(fd, count), offset);
}
