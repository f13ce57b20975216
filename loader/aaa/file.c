/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/aaa/file.h"

static int read_all(int fd, char *buf, size_t size, size_t *ret_len)
{
	size_t len = 0;
	ssize_t n;

	while (len < size) {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

int file_read_fd(int fd, size_t most, struct file *ret)
{
	size_t size, len = 0;
	char *text = NULL;
	struct stat st;
	int err = -EINVAL;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		goto out;
	err = -EFBIG;
	if (st.st_size < 0 || (unsigned long long)st.st_size > most)
		goto out;
	/* one more than stat says, to notice a file that grows; /proc says 0 */
	size = (st.st_size ? (size_t)st.st_size : most) + 1;
	err = -ENOMEM;
	text = malloc(size + 1);
	if (!text)
		goto out;
	err = read_all(fd, text, size, &len);
	if (!err && len == size)
		err = -EFBIG;
	if (err) {
		explicit_bzero(text, len);
		free(text);
		goto out;
	}
	text[len] = '\0';
	ret->text = text;
	ret->len = len;
	ret->exposed = st.st_mode & (S_IRWXG | S_IRWXO);
out:
	close(fd);
	return err;
}

int file_read(const char *path, size_t most, struct file *ret)
{
	/* O_NONBLOCK: opening a FIFO must not wait for its writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -errno : file_read_fd(fd, most, ret);
}

void file_wipe(struct file *f)
{
	if (f->text)
		explicit_bzero(f->text, f->len);
	free(f->text);
	f->text = NULL;
	f->len = 0;
}
