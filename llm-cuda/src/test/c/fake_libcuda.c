// A driver for tests: it computes nothing, but hands out and takes back everything that the driver API does, counts what is alive, and fails where it is told to.
// fake_* functions are for the test. Environment: FAKE_VERSION, FAKE_DEVICES, FAKE_CAPABILITY (90), FAKE_INIT (result of cuInit), FAKE_GROWS (0 or 1).
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int R;
typedef uint64_t P;

enum { OUT_OF_MEMORY = 2, INVALID = 1, NOT_FOUND = 500, LAUNCH_FAILED = 719 };

static long live, launches, graph_launches, waits;
static char fail_name[64];
static long fail_after;
static int fail_code;
static int capturing;
static uint64_t bytes_alive;
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
R cuModuleLoadDataEx(void **m, const void *image, unsigned n, int *o, void **v) { CALL(1); *m = made(); return 0; }
R cuModuleUnload(void *m) { return gone(m); }
R cuModuleGetFunction(void **f, void *m, const char *name) { CALL(0); *f = (void *) 3; return 0; }
static int shape[4] = {128, 32, 1024, 128};
R cuModuleGetGlobal_v2(P *p, size_t *n, void *m, const char *name) { CALL(0); *p = (P) (uintptr_t) shape; *n = sizeof shape; return 0; }
R cuFuncSetAttribute(void *f, int a, int v) { CALL(0); return 0; }
R cuLaunchKernelEx(const unsigned *config, void *f, void **params, void **extra) {
  CALL(0);
  for (int i = 0; i < 6; i++) if (config[i] == 0) return INVALID;
  volatile uint64_t first = *(uint64_t *) params[0];
  (void) first;
  if (!capturing) launches++;
  return f == (void *) 3 ? 0 : INVALID;
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
