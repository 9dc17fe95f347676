// The least a broker has to do, in C: takes frames, checks a CRC-32C over them, appends them to a
// file, answers 50 bytes. What dohle reaches is given as a part of this, measured in the same run.
//
//   ceiling FILE    prints its port; runs until killed
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nmmintrin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES (1 << 20)
#define ANSWER_BYTES 50
#define FILE_BYTES_MAX (1ll << 30)

typedef struct {
  int fd;
  unsigned char *partial; // a frame that is not complete
  size_t have;
} Connection;

static unsigned char buffer[READ_BYTES], answersOut[READ_BYTES];
static volatile unsigned sink;
static int file;
static long long fileBytes;

static unsigned be32(const unsigned char *p) {
  return ((unsigned)p[0] << 24) | (p[1] << 16) | (p[2] << 8) | p[3];
}

static void checkCrc(const unsigned char *p, size_t length) {
  unsigned long long crc = 0xffffffff;
  size_t at = 0;
  for (; at + 8 <= length; at += 8) {
    unsigned long long word;
    memcpy(&word, p + at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; at < length; at++) crc = _mm_crc32_u8((unsigned)crc, p[at]);
  sink ^= (unsigned)crc;
}

static void append(const unsigned char *p, size_t length) {
  if (write(file, p, length) != (ssize_t)length) exit(3);
  fileBytes += length;
  if (fileBytes > FILE_BYTES_MAX) {
    if (ftruncate(file, 0)) exit(3);
    lseek(file, 0, SEEK_SET);
    fileBytes = 0;
  }
}

static int serve(Connection *c) {
  for (;;) {
    ssize_t count = recv(c->fd, buffer, READ_BYTES, 0);
    if (count < 0) return errno == EAGAIN ? 0 : -1;
    if (count == 0) return -1;
    size_t at = 0, answers = 0;
    if (c->have > 0) { // complete the partial frame first
      while (c->have < 4 && at < (size_t)count) c->partial[c->have++] = buffer[at++];
      if (c->have < 4) return 0;
      size_t size = 4 + be32(c->partial), need = size - c->have;
      if (need > count - at) need = count - at;
      memcpy(c->partial + c->have, buffer + at, need);
      c->have += need;
      at += need;
      if (c->have == size) {
        checkCrc(c->partial + 4, size - 4);
        append(c->partial, size);
        answers++;
        c->have = 0;
      }
    }
    size_t start = at;
    while (count - at >= 4 && 4 + be32(buffer + at) <= count - at) {
      size_t size = be32(buffer + at);
      checkCrc(buffer + at + 4, size);
      at += 4 + size;
      answers++;
    }
    if (at > start) append(buffer + start, at - start);
    memcpy(c->partial + c->have, buffer + at, count - at);
    c->have += count - at;
    for (size_t i = 0; i < answers; i++) {
      unsigned size = htonl(ANSWER_BYTES - 4);
      memcpy(answersOut + i * ANSWER_BYTES, &size, 4);
    }
    if (answers && send(c->fd, answersOut, answers * ANSWER_BYTES, MSG_NOSIGNAL) < 0) return -1;
    if (count < READ_BYTES) return 0;
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0);
  struct sockaddr_in address = {.sin_family = AF_INET};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 512)) return 1;
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    struct epoll_event events[256];
    int count = epoll_wait(epoll, events, 256, -1);
    for (int i = 0; i < count; i++) {
      Connection *c = events[i].data.ptr;
      if (!c) {
        int fd = accept(listener, NULL, NULL), one = 1;
        if (fd < 0) continue;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c = calloc(1, sizeof *c);
        c->fd = fd;
        c->partial = malloc(4 * READ_BYTES);
        event.data.ptr = c;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
      } else if (serve(c) < 0) {
        close(c->fd);
        free(c->partial);
        free(c);
      }
    }
  }
}
