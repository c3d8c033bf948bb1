// A driver for tests: it computes nothing, but hands out and takes back everything that the driver API does, counts what is alive, and fails where it
// is told to.
// Of a cubin it knows the kernels, their parameters and the constants. An image may be text too, a line for each thing:
//   kernel NAME BYTES BYTES ...      the bytes of its parameters
//   constant NAME BYTE BYTE ...      what stands there
//   any                              all other names are kernels, of whose parameters nothing is known
// fake_* functions are for the test. Environment: FAKE_VERSION, FAKE_DEVICES, FAKE_CAPABILITY (90), FAKE_INIT (result of cuInit), FAKE_GROWS (0 or
// 1).
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int R;
typedef uint64_t P;

enum { OUT_OF_MEMORY = 2, INVALID = 1, NOT_FOUND = 500, NOT_SUPPORTED = 801 };

static _Atomic long live, launches, graph_launches, waits;
static char fail_name[64];
static _Atomic long fail_after;
static int fail_code;
static int capturing;
static _Atomic uint64_t bytes_alive;
static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;
static const uint64_t TOTAL = 8ull << 30;

long fake_live(void) { return live; }
uint64_t fake_bytes(void) { return bytes_alive; }
long fake_launches(void) { return launches; }
long fake_graph_launches(void) { return graph_launches; }
// From now on, the n-th call (1 is the next) of a function, or of any that allocates if the name is "*", gives that result.
void fake_fail(const char *name, long n, int code) { strncpy(fail_name, name, sizeof fail_name - 1); fail_after = n; fail_code = code; }

static int env(const char *name, int otherwise) { const char *v = getenv(name); return v ? atoi(v) : otherwise; }
static R called(const char *name, int allocates) {
  if (fail_after > 0 && (strcmp(fail_name, name) == 0 || (allocates && strcmp(fail_name, "*") == 0)) && --fail_after == 0) return fail_code;
  return 0;
}
#define CALL(allocates) do { R r_ = called(__func__, allocates); if (r_) return r_; } while (0)
static void *made(void) { live++; return malloc(16); }
static R gone(void *p) { if (!p) return INVALID; live--; free(p); return 0; }

R cuInit(unsigned f) { return env("FAKE_INIT", 0); }
R cuDriverGetVersion(int *v) { *v = env("FAKE_VERSION", 13000); return 0; }
R cuGetErrorName(R e, const char **s) { *s = e == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OF_TEST"; return 0; }
R cuGetErrorString(R e, const char **s) { *s = "as the test wants it"; return 0; }
R cuDeviceGetCount(int *n) { *n = env("FAKE_DEVICES", 1); return 0; }
R cuDeviceGet(int *d, int i) { *d = i; return 0; }
R cuDeviceGetName(char *s, int n, int d) { snprintf(s, n, "FAKE"); return 0; }
R cuDeviceTotalMem_v2(size_t *n, int d) { *n = TOTAL; return 0; }
R cuDeviceGetAttribute(int *v, int a, int d) {
  int capability = env("FAKE_CAPABILITY", 90);
  *v = a == 75 ? capability / 10 : a == 76 ? capability % 10 : a == 16 ? 4 : a == 97 ? 232448 : a == 102 ? env("FAKE_GROWS", 1) : 1;
  return 0;
}
R cuDevicePrimaryCtxRetain(void **c, int d) { CALL(1); live++; *c = (void *) 1; return 0; }
R cuDevicePrimaryCtxRelease_v2(int d) { live--; return 0; }
R cuCtxSetCurrent(void *c) { CALL(0); return c == (void *) 1 ? 0 : INVALID; }
R cuCtxSynchronize(void) { CALL(0); return 0; }
// --- images

enum { MOST_PARAMETERS = 64, FUNCTION = 0x46756e63 };
typedef struct Function {
  int magic, count; // -1: unknown
  char name[96];
  size_t offset[MOST_PARAMETERS], size[MOST_PARAMETERS];
  struct Function *next;
} Function;
typedef struct Constant {
  char name[96];
  size_t size;
  unsigned char *bytes;
  struct Constant *next;
} Constant;
typedef struct {
  int any;
  Function *functions;
  Constant *constants;
} Module;

static unsigned u16_at(const unsigned char *p) { return p[0] | p[1] << 8; }
static uint32_t u32_at(const unsigned char *p) { uint32_t v; memcpy(&v, p, 4); return v; }
static uint64_t u64_at(const unsigned char *p) { uint64_t v; memcpy(&v, p, 8); return v; }

static Function *function(Module *m, const char *name, int count) {
  Function *f = calloc(1, sizeof *f);
  f->magic = FUNCTION, f->count = count, f->next = m->functions, m->functions = f;
  snprintf(f->name, sizeof f->name, "%s", name);
  return f;
}
static Constant *constant(Module *m, const char *name, size_t size) {
  Constant *c = calloc(1, sizeof *c);
  c->size = size, c->bytes = calloc(1, size + 1), c->next = m->constants, m->constants = c;
  snprintf(c->name, sizeof c->name, "%s", name);
  return c;
}

// Sections .nv.info.NAME have a kernel's parameters, each in an attribute 0x17: an unused word, index, offset, and the size in the upper 14 bits of
// a word.
static void parameters(Module *m, const char *name, const unsigned char *p, size_t n) {
  Function *f = function(m, name, 0);
  for (const unsigned char *end = p + n; p < end; p += 4 + (p[0] == 4 ? u16_at(p + 2) : 0)) {
    if (p[0] == 4 && p[1] == 0x17) {
      unsigned index = u16_at(p + 8);
      f->offset[index] = u16_at(p + 10), f->size[index] = u32_at(p + 12) >> 18;
      if ((int) index >= f->count) f->count = index + 1;
    }
  }
}
static void read_cubin(Module *m, const unsigned char *d) {
  const unsigned char *sections = d + u64_at(d + 0x28);
  int count = u16_at(d + 0x3c);
  const char *names = (const char *) d + u64_at(sections + 64 * u16_at(d + 0x3e) + 24);
  for (int i = 0; i < count; i++) {
    const unsigned char *s = sections + 64 * i, *data = d + u64_at(s + 24);
    const char *name = names + u32_at(s);
    if (strncmp(name, ".nv.info.", 9) == 0) parameters(m, name + 9, data, u64_at(s + 32));
    if (u32_at(s + 4) != 2) continue; // a table of symbols
    const char *symbols = (const char *) d + u64_at(sections + 64 * u32_at(s + 40) + 24);
    for (const unsigned char *e = data; e < data + u64_at(s + 32); e += 24) {
      int at = u16_at(e + 6);
      if (at == 0 || at >= count || (e[4] & 15) != 1) continue; // not data
      const unsigned char *place = sections + 64 * at;
      if (strncmp(names + u32_at(place), ".nv.constant3", 13) == 0)
        memcpy(constant(m, symbols + u32_at(e), u64_at(e + 16))->bytes, d + u64_at(place + 24) + u64_at(e + 8), u64_at(e + 16));
    }
  }
}
static void read_text(Module *m, const char *text) {
  while (*text) {
    char kind[16] = "", name[96] = "";
    int used = 0;
    sscanf(text, "%15s%n", kind, &used);
    const char *end = strchr(text, '\n'), *p = text + used;
    if (strcmp(kind, "any") == 0) m->any = 1;
    if (strcmp(kind, "kernel") == 0 || strcmp(kind, "constant") == 0) {
      long numbers[1024], n = 0;
      sscanf(p, "%95s%n", name, &used);
      for (p += used; n < 1024 && p && (!end || p < end); n++) {
        char *after;
        numbers[n] = strtol(p, &after, 10);
        if (after == p || (end && after > end)) break;
        p = after;
      }
      if (kind[0] == 'k') {
        Function *f = function(m, name, n);
        for (size_t i = 0, at = 0; i < n; at += f->size[i++]) {
          f->size[i] = numbers[i];
          f->offset[i] = at = (at + numbers[i] - 1) / numbers[i] * numbers[i];
        }
      } else {
        Constant *c = constant(m, name, n);
        for (int i = 0; i < n; i++) c->bytes[i] = numbers[i];
      }
    }
    if (!end) break;
    text = end + 1;
  }
}

R cuModuleLoadDataEx(void **out, const void *image, unsigned n, int *o, void **v) {
  CALL(1);
  Module *m = calloc(1, sizeof *m);
  if (memcmp(image, "\177ELF", 4) == 0) read_cubin(m, image); else read_text(m, image);
  live++, *out = m;
  return 0;
}
R cuModuleUnload(void *p) {
  Module *m = p;
  for (Function *f = m->functions, *next; f; f = next) next = f->next, f->magic = 0, free(f);
  for (Constant *c = m->constants, *next; c; c = next) next = c->next, free(c->bytes), free(c);
  return gone(m);
}
R cuModuleGetFunction(void **out, void *p, const char *name) {
  CALL(0);
  Module *m = p;
  pthread_mutex_lock(&names); // threads compile at the same time
  Function *f = m->functions;
  while (f && strcmp(f->name, name)) f = f->next;
  if (!f && m->any) f = function(m, name, -1);
  pthread_mutex_unlock(&names);
  *out = f;
  return f ? 0 : NOT_FOUND;
}
R cuModuleGetGlobal_v2(P *at, size_t *n, void *p, const char *name) {
  CALL(0);
  for (Constant *c = ((Module *) p)->constants; c; c = c->next) {
    if (strcmp(c->name, name) == 0) {
      *at = (P) (uintptr_t) c->bytes, *n = c->size;
      return 0;
    }
  }
  return NOT_FOUND;
}
#ifndef WITHOUT_PARAMETERS
R cuFuncGetParamInfo(void *p, size_t i, size_t *offset, size_t *size) {
  CALL(0);
  Function *f = p;
  if (f->count < 0) return NOT_SUPPORTED;
  if (i >= f->count) return INVALID;
  *offset = f->offset[i], *size = f->size[i];
  return 0;
}
#endif
// Values of 16 bits, as the copy engine wants them. In more than three dimensions rows may overlap.
R cuTensorMapEncodeTiled(void *map, int type, unsigned rank, P at, const uint64_t *dims, const uint64_t *strides, const uint32_t *box,
                         const uint32_t *steps, int interleave, int swizzle, int promotion, int fill) {
  CALL(0);
  if (rank < 2 || rank > 5 || (uintptr_t) map % 64 || at % 16 || !at || box[0] * 2 > 128) return INVALID;
  if (rank < 4 && strides[0] < 2 * dims[0]) return INVALID;
  for (unsigned i = 0; i < rank; i++) if (!dims[i] || !box[i] || box[i] > 256 || steps[i] != 1 || (i && strides[i - 1] % 16)) return INVALID;
  if (interleave || swizzle != 3 || fill) return INVALID;
  memset(map, type, 128);
  return type == 1 || type == 6 || type == 9 ? 0 : INVALID;
}
R cuFuncSetAttribute(void *f, int a, int v) { CALL(0); return 0; }
R cuLaunchKernelEx(const unsigned *config, void *f, void **params, void **extra) {
  CALL(0);
  for (int i = 0; i < 6; i++) if (config[i] == 0) return INVALID;
  volatile uint64_t first = *(uint64_t *) params[0];
  (void) first;
  if (!capturing) launches++;
  return ((Function *) f)->magic == FUNCTION ? 0 : INVALID;
}
static R device(P *p, size_t n) {
  if (n > TOTAL - bytes_alive) return OUT_OF_MEMORY;
  uint64_t *q = malloc(n + 16);
  if (!q) return OUT_OF_MEMORY;
  q[0] = n; live++; bytes_alive += n; *p = (P) (uintptr_t) (q + 2);
  return 0;
}
R cuMemAlloc_v2(P *p, size_t n) { CALL(1); if (n == 0) return INVALID; return device(p, n); }
R cuMemFree_v2(P p) { uint64_t *q = (uint64_t *) (uintptr_t) p - 2; live--; bytes_alive -= q[0]; free(q); return 0; }
R cuMemGetInfo_v2(size_t *f, size_t *t) { CALL(0); *t = TOTAL; *f = TOTAL - bytes_alive; return 0; }
R cuMemHostAlloc(void **p, size_t n, unsigned f) { CALL(1); if (n == 0) return INVALID; live++; *p = calloc(1, n); return *p ? 0 : OUT_OF_MEMORY; }
R cuMemFreeHost(void *p) { return gone(p); }
R cuMemcpyHtoD_v2(P d, const void *s, size_t n) { CALL(0); memcpy((void *) (uintptr_t) d, s, n); return 0; }
R cuMemcpyDtoH_v2(void *d, P s, size_t n) { CALL(0); memcpy(d, (void *) (uintptr_t) s, n); return 0; }
R cuMemcpyHtoDAsync_v2(P d, const void *s, size_t n, void *st) { CALL(0); memcpy((void *) (uintptr_t) d, s, n); return 0; }
R cuMemsetD8Async(P d, unsigned char c, size_t n, void *st) { CALL(0); memset((void *) (uintptr_t) d, c, n); return 0; }
R cuMemAddressReserve(P *p, size_t n, size_t a, P h, unsigned long long f) { CALL(1); live++; *p = 1ull << 40; return 0; }
R cuMemAddressFree(P p, size_t n) { live--; return 0; }
R cuMemCreate(unsigned long long *h, size_t n, const void *prop, unsigned long long f) {
  CALL(1);
  if (n > TOTAL - bytes_alive) return OUT_OF_MEMORY;
  live++; bytes_alive += n; *h = n; return 0;
}
R cuMemRelease(unsigned long long h) { live--; bytes_alive -= h; return 0; }
R cuMemMap(P p, size_t n, size_t o, unsigned long long h, unsigned long long f) { CALL(1); live++; return 0; }
R cuMemUnmap(P p, size_t n) { live--; return 0; }
R cuMemSetAccess(P p, size_t n, const void *d, size_t c) { CALL(1); return 0; }
R cuMemGetAllocationGranularity(size_t *g, const void *prop, int o) { CALL(0); *g = 2 << 20; return 0; }
R cuStreamCreate(void **s, unsigned f) { CALL(1); *s = made(); return 0; }
R cuStreamDestroy_v2(void *s) { return gone(s); }
R cuStreamSynchronize(void *s) { CALL(0); waits++; return 0; }
R cuStreamBeginCapture_v2(void *s, int m) { CALL(0); if (capturing) return INVALID; capturing = 1; return 0; }
R cuStreamEndCapture(void *s, void **g) { capturing = 0; *g = NULL; CALL(1); *g = made(); return 0; }
R cuGraphInstantiateWithFlags(void **e, void *g, unsigned long long f) { CALL(1); *e = made(); return 0; }
R cuGraphUpload(void *e, void *s) { CALL(1); return 0; }
R cuGraphLaunch(void *e, void *s) { CALL(0); graph_launches++; return 0; }
R cuGraphDestroy(void *g) { return gone(g); }
R cuGraphExecDestroy(void *e) { return gone(e); }
R cuEventCreate(void **e, unsigned f) { CALL(1); *e = made(); return 0; }
R cuEventRecord(void *e, void *s) { CALL(0); return 0; }
R cuEventSynchronize(void *e) { CALL(0); return 0; }
R cuEventElapsedTime_v2(float *m, void *a, void *b) { CALL(0); *m = 1; return 0; }
#ifndef WITHOUT_EVENTS
R cuEventDestroy_v2(void *e) { return gone(e); }
#endif
