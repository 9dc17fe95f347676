// Load generator: sends prebuilt request frames over many connections and reads the answers.
//
//   load PORT CONNECTIONS DEPTH SECONDS FILE
//
// FILE holds one or more whole frames (size included); each connection sends them in turn, DEPTH
// requests ahead of the answers. Prints one JSON line: requests and bytes per second both ways,
// and, with DEPTH 1, the round trip's percentiles in microseconds.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (1 << 20)
#define SAMPLES_MAX (1 << 22)

typedef struct {
  int fd;
  size_t next;    // frame to send next
  size_t written; // bytes of it that are out
  int ahead;      // requests sent and not answered
  size_t headerBytes;
  unsigned char header[4];
  size_t left; // bytes of the answer that are to come
  double sentAt;
} Connection;

static unsigned char *frames;
static size_t framesEnd, *frameAt, frameCount;
static int depth;
static unsigned char scratch[READ_BYTES];
static unsigned long long answers, bytesIn, bytesOut;
static float *samples;
static size_t sampleCount;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static unsigned be32(const unsigned char *p) {
  return ((unsigned)p[0] << 24) | (p[1] << 16) | (p[2] << 8) | p[3];
}

static void loadFrames(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  fseek(file, 0, SEEK_END);
  framesEnd = ftell(file);
  rewind(file);
  frames = malloc(framesEnd);
  if (fread(frames, 1, framesEnd, file) != framesEnd) die(path);
  frameAt = malloc(sizeof(size_t) * (framesEnd / 4 + 2));
  for (size_t at = 0; at < framesEnd; at += 4 + be32(frames + at)) frameAt[frameCount++] = at;
  frameAt[frameCount] = framesEnd;
}

// Sends as much as depth and the socket allow.
static void sendMore(Connection *c) {
  while (c->ahead < depth) {
    size_t at = frameAt[c->next], end = frameAt[c->next + 1];
    // Whole runs of small frames go out with one call.
    size_t count = 1;
    while (c->written == 0 && c->ahead + (int)count < depth && c->next + count < frameCount &&
           frameAt[c->next + count + 1] - at < READ_BYTES)
      count++;
    end = frameAt[c->next + count];
    if (depth == 1 && c->written == 0) c->sentAt = now();
    ssize_t sent = send(c->fd, frames + at + c->written, end - at - c->written, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN) return;
      die("send");
    }
    bytesOut += sent;
    c->written += sent;
    while (c->written >= frameAt[c->next + 1] - frameAt[c->next]) {
      c->written -= frameAt[c->next + 1] - frameAt[c->next];
      c->ahead++;
      c->next = c->next + 1 == frameCount ? 0 : c->next + 1;
      if (c->next == 0) break;
    }
    if (c->written > 0) return;
  }
}

static void receive(Connection *c) {
  for (;;) {
    ssize_t count = recv(c->fd, scratch, READ_BYTES, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      fprintf(stderr, "the server closed a connection\n");
      exit(1);
    }
    bytesIn += count;
    for (ssize_t at = 0; at < count;) {
      if (c->headerBytes < 4) {
        c->header[c->headerBytes++] = scratch[at++];
        if (c->headerBytes == 4) c->left = be32(c->header);
        continue;
      }
      size_t take = (size_t)(count - at) < c->left ? (size_t)(count - at) : c->left;
      at += take;
      c->left -= take;
      if (c->left > 0) break;
      c->headerBytes = 0;
      c->ahead--;
      answers++;
      if (depth == 1 && sampleCount < SAMPLES_MAX)
        samples[sampleCount++] = (float)((now() - c->sentAt) * 1e6);
    }
    if (count < READ_BYTES) return;
  }
}

static int byValue(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return x < y ? -1 : x > y;
}

static double percentile(double p) {
  return sampleCount ? samples[(size_t)(p * (sampleCount - 1))] : 0;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: load PORT CONNECTIONS DEPTH SECONDS FILE\n");
    return 2;
  }
  int connections = atoi(argv[2]);
  depth = atoi(argv[3]);
  double seconds = atof(argv[4]);
  loadFrames(argv[5]);
  samples = malloc(sizeof(float) * SAMPLES_MAX);
  int epoll = epoll_create1(0);
  Connection *all = calloc(connections, sizeof(Connection));
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  for (int i = 0; i < connections; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    all[i].fd = fd;
    all[i].next = frameCount * i / connections;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &all[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    sendMore(&all[i]);
  }
  double begin = now(), warm = begin + seconds * 0.2, end = begin + seconds * 1.2;
  int isWarm = 0;
  for (double t = begin; t < end; t = now()) {
    if (!isWarm && t >= warm) {
      isWarm = 1;
      begin = t;
      answers = bytesIn = bytesOut = sampleCount = 0;
    }
    struct epoll_event events[256];
    int count = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < count; i++) {
      Connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLIN) receive(c);
      sendMore(c);
    }
  }
  double took = now() - begin;
  qsort(samples, sampleCount, sizeof(float), byValue);
  printf("{\"requestsPerSecond\":%.0f,\"mbOutPerSecond\":%.1f,\"mbInPerSecond\":%.1f,\"p50Us\":%.1f,"
         "\"p99Us\":%.1f,\"p999Us\":%.1f}\n",
         answers / took, bytesOut / took / 1e6, bytesIn / took / 1e6, percentile(0.5),
         percentile(0.99), percentile(0.999));
  return 0;
}
