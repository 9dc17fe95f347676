// Load generator: sends prebuilt request frames over many connections and reads the answers.
//
//   load PORT CONNECTIONS DEPTH SECONDS all|own FILE [RATE]
//
// FILE holds one or more whole frames (size included); each connection sends all of them in turn, or
// over and over the one that is its own, DEPTH requests ahead of the answers. With RATE, requests
// are sent at so many per second over all connections, whatever is still to be answered. Prints one
// JSON line: requests and bytes per second both ways; the round trip's percentiles in microseconds,
// with DEPTH 1 from when a request was sent, with RATE from when it was to be sent; and how many
// requests and bytes there were with those that warmed up.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (1 << 20)
#define SAMPLES_MAX (1 << 22)
#define AHEAD_MAX (1 << 16)

typedef struct {
  int fd;
  size_t next;    // frame to send next
  size_t written; // bytes of it that are out
  int ahead;      // requests sent and not answered
  size_t headerBytes;
  unsigned char header[4];
  size_t left; // bytes of the answer that are to come
  double sentAt;
  double *due; // with RATE: when the requests ahead were to be sent, a ring
  unsigned dueFirst, dueCount;
} Connection;

static unsigned char *frames;
static size_t framesEnd, *frameAt, frameCount;
static int depth, isOwn, isWarm;
static double rate;
static unsigned char scratch[READ_BYTES];
static unsigned long long answers, bytesIn, bytesOut, warmAnswers, warmIn, warmOut;
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

// No page of it is missing later.
static void *touched(size_t size) { return memset(malloc(size), 1, size); }

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

static void sample(double seconds) {
  if (isWarm && sampleCount < SAMPLES_MAX) samples[sampleCount++] = (float)(seconds * 1e6);
}

static size_t following(size_t frame) {
  if (isOwn) return frame;
  return frame + 1 == frameCount ? 0 : frame + 1;
}

// Sends as much as depth and the socket allow.
static void sendMore(Connection *c) {
  while (c->ahead < depth) {
    size_t at = frameAt[c->next], end = frameAt[c->next + 1];
    // Whole runs of small frames go out with one call.
    size_t count = 1;
    while (!isOwn && c->written == 0 && c->ahead + (int)count < depth && c->next + count < frameCount &&
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
      c->next = following(c->next);
      if (isOwn || c->next == 0) break;
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
      if (rate > 0) {
        sample(now() - c->due[c->dueFirst++ % AHEAD_MAX]);
        c->dueCount--;
      } else if (depth == 1) {
        sample(now() - c->sentAt);
      }
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

// Small requests, sent whole: a socket buffer holds far more of them than are ever ahead.
static void sendDue(Connection *c, double at) {
  size_t start = frameAt[c->next], length = frameAt[c->next + 1] - start;
  if (c->dueCount == AHEAD_MAX) return;
  if (send(c->fd, frames + start, length, MSG_NOSIGNAL) != (ssize_t)length) die("send");
  bytesOut += length;
  c->due[(c->dueFirst + c->dueCount++) % AHEAD_MAX] = at;
  c->ahead++;
  c->next = following(c->next);
}

static void arm(int timer, double at) {
  struct itimerspec spec = {.it_value = {.tv_sec = (time_t)at, .tv_nsec = (at - (time_t)at) * 1e9}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void warmedUp(void) {
  isWarm = 1;
  warmAnswers = answers;
  warmIn = bytesIn;
  warmOut = bytesOut;
}

// An open loop: whoever answers late does not make the next request late.
static void runAtRate(int epoll, Connection *all, int connections, double begin, double seconds) {
  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
  double end = begin + seconds * 1.2, last = end + 2;
  unsigned long long sent = 0;
  arm(timer, begin);
  for (double t = begin; t < last; t = now()) {
    if (!isWarm && t >= begin + seconds * 0.2) warmedUp();
    struct epoll_event events[256];
    int count = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < count; i++) {
      Connection *c = events[i].data.ptr;
      if (c && events[i].events & EPOLLIN) receive(c);
    }
    double due = begin + sent / rate;
    for (t = now(); due <= t && due < end; due = begin + ++sent / rate)
      sendDue(&all[sent % connections], due);
    if (due < end) arm(timer, due);
    else if (answers == sent) break;
  }
  // What was never answered waits at least since then.
  for (int i = 0; i < connections; i++)
    while (all[i].dueCount-- > 0) sample(now() - all[i].due[all[i].dueFirst++ % AHEAD_MAX]);
}

int main(int argc, char **argv) {
  if (argc != 7 && argc != 8) {
    fprintf(stderr, "usage: load PORT CONNECTIONS DEPTH SECONDS all|own FILE [RATE]\n");
    return 2;
  }
  isOwn = argv[5][0] == 'o';
  rate = argc == 8 ? atof(argv[7]) : 0;
  int connections = atoi(argv[2]);
  depth = atoi(argv[3]);
  double seconds = atof(argv[4]);
  loadFrames(argv[6]);
  samples = touched(sizeof(float) * SAMPLES_MAX);
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
    all[i].next = isOwn ? i % frameCount : frameCount * i / connections;
    if (rate > 0) all[i].due = touched(sizeof(double) * AHEAD_MAX);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET | (rate > 0 ? 0 : EPOLLOUT), .data.ptr = &all[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    if (rate == 0) sendMore(&all[i]);
  }
  double begin = now(), warm = begin + seconds * 0.2, end = begin + seconds * 1.2;
  if (rate > 0) runAtRate(epoll, all, connections, begin, seconds);
  for (double t = begin; rate == 0 && t < end; t = now()) {
    if (!isWarm && t >= warm) warmedUp();
    struct epoll_event events[256];
    int count = epoll_wait(epoll, events, 256, 100);
    for (int i = 0; i < count; i++) {
      Connection *c = events[i].data.ptr;
      if (events[i].events & EPOLLIN) receive(c);
      sendMore(c);
    }
  }
  double took = now() - warm;
  qsort(samples, sampleCount, sizeof(float), byValue);
  printf("{\"requestsPerSecond\":%.0f,\"mbOutPerSecond\":%.1f,\"mbInPerSecond\":%.1f,\"p50Us\":%.1f,"
         "\"p99Us\":%.1f,\"p999Us\":%.1f,\"requests\":%llu,\"bytesOut\":%llu,\"bytesIn\":%llu}\n",
         (answers - warmAnswers) / took, (bytesOut - warmOut) / took / 1e6,
         (bytesIn - warmIn) / took / 1e6, percentile(0.5), percentile(0.99), percentile(0.999),
         answers, bytesOut, bytesIn);
  return 0;
}
