package io.jllm.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cuda.kernels.DeviceFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The list of formats of the kernels: it is that of Java, and a row of it with a struct is all that kernels need for one more. */
class FormatListTest {
    private static final Path SOURCES = Path.of("src/main/cuda");
    private static final Pattern ROW = Pattern.compile("(?:DENSE|SCALED|BLOCKS)\\((\\w+), (\\d+), ([\\w<>]+)\\) *\\\\?\n");
    /** 32 bytes with a float as their scale. */
    private static final String MADE_UP = """
            #pragma once
            #include "common/weights.cuh"

            struct MadeUp {
              typedef Tile<1, 0> RowTile;
              static __device__ __forceinline__ long long scales(int N, int K) { return round256(rows4(N) * K); }
              static __device__ __forceinline__ float value(const uchar* W, int N, int K, int row, int k) {
                return ((const float*)(W + scales(N, K)))[(long long)row * (K / 32) + k / 32] * (signed char)W[(long long)row * K + k];
              }
              struct Read {
                static constexpr int K_CHUNK = 32;
                static __host__ __device__ constexpr int depth(int) { return 2; }
                template <int M> using Acts = Bytes<M>;
                struct Group {
                  uint4 a[4], b[4];
                  float d[4];
                };
                const uchar *W, *scales;
                int nb;
                __device__ __forceinline__ Read(const uchar* W, int N, int K) : W(W), scales(W + MadeUp::scales(N, K)), nb(K / 32) {}
                __device__ __forceinline__ void load(Group& g, int row, int, int c, bool valid) const {
                  for (int r = 0; r < 4; r++) {
                    long long sub = (long long)(row + r) * nb + c;
                    g.a[r] = valid ? stream16(W + sub * 32) : make_uint4(0, 0, 0, 0);
                    g.b[r] = valid ? stream16(W + sub * 32 + 16) : make_uint4(0, 0, 0, 0);
                    g.d[r] = valid ? ((const float*)scales)[sub] : 0.f;
                  }
                }
                template <int M> static __device__ __forceinline__ void dots(const Group& g, int r, const Bytes<M>& a, float* out) {
                  unsigned w[8] = {g.a[r].x, g.a[r].y, g.a[r].z, g.a[r].w, g.b[r].x, g.b[r].y, g.b[r].z, g.b[r].w};
                  for (int m = 0; m < M; m++) {
                    int sum = 0;
                    for (int i = 0; i < 8; i++) sum = __dp4a((int)w[i], a.x[m][i], sum);
                    out[m] = sum * (g.d[r] * a.d[m]);
                  }
                }
                static __device__ __forceinline__ void tile(const Group& g, int r, RowTile& t) {
                  *(uint4*)t.w = g.a[r], *(uint4*)(t.w + 4) = g.b[r];
                  t.scale[0] = g.d[r];
                }
              };
              static __device__ __forceinline__ void block(const uchar* W, int N, int K, int row, int c, Block& b) {
                long long sub = (long long)row * (K / 32) + c;
                for (int i = 0; i < 8; i++) b.w[i] = ((const int*)W)[sub * 8 + i];
                b.scale[0] = b.scale[1] = ((const float*)(W + scales(N, K)))[sub];
                b.minimum = 0.f;
              }
              static __device__ __forceinline__ void pack(const uchar* src, uchar* dst, int N, int K, int row0) {
                for (int k = threadIdx.x; k < K; k += blockDim.x) dst[(row0 + (long long)blockIdx.x) * K + k] = src[blockIdx.x * (long long)K + k];
              }
            };
            """;

    @TempDir
    private Path folder;

    @BeforeEach
    void theSourcesAreHere() {
        Assumptions.assumeTrue(Files.isDirectory(SOURCES), "skipped: the sources of the kernels are not here");
    }

    private static List<MatchResult> rows(String list) {
        return ROW.matcher(list).results().toList();
    }

    @Test
    void itIsThatOfJava() throws IOException {
        var kernels = new TreeMap<Integer, String>();
        rows(Files.readString(SOURCES.resolve("common/formats.cuh"))).forEach(r -> kernels.put(Integer.parseInt(r.group(2)), r.group(1)));
        var java = Arrays.stream(DeviceFormat.values()).collect(Collectors.toMap(DeviceFormat::number, DeviceFormat::suffix));
        assertEquals(new TreeMap<>(java), kernels);
    }

    /** The other rows are left out, since each takes the compiler seconds. */
    @Test
    void aRowAndAStructMakeAllKernelsOfAFormat() throws Exception {
        String nvcc = nvcc();
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path to = folder.resolve(SOURCES.relativize(file));
                Files.createDirectories(to.getParent());
                Files.copy(file, to);
            }
        }
        Files.writeString(folder.resolve("common/formats/made_up.cuh"), MADE_UP);
        Path list = folder.resolve("common/formats.cuh");
        String text = Files.readString(list);
        MatchResult first = rows(text).getFirst();
        MatchResult last = rows(text).getLast();
        Files.writeString(list, text.substring(0, first.start()).replace("#pragma once\n", "#pragma once\n#include \"common/formats/made_up.cuh\"\n")
                + "BLOCKS(made_up, 99, MadeUp)\n" + text.substring(last.end()));
        var made = new StringBuilder();
        for (String file : List.of("rows/embed", "product/pack", "product/gemv", "product/gemv_gated", "product/few", "product/gemm",
                "product/narrow", "product/experts", "product/group_blocks", "product/group_mma")) {
            Path ptx = folder.resolve("made.ptx");
            Process p = new ProcessBuilder(nvcc, "-ptx", "-arch=compute_80", "-std=c++17", "-I" + folder, "-o", ptx.toString(),
                    folder.resolve(file + ".cu").toString()).redirectErrorStream(true).start();
            String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertEquals(0, p.waitFor(), said);
            made.append(Files.readString(ptx));
        }
        for (String kernel : List.of("embed_made_up", "pack_made_up", "gemv_made_up_m1", "gemv_made_up_m4", "gemv_gated_made_up_m4",
                "few_made_up_n1", "few_made_up_n8", "gemm_made_up", "expand_made_up", "experts_gated_made_up", "experts_sum_made_up",
                "group_made_up_n2", "group_made_up_r128")) {
            assertTrue(made.indexOf(".entry " + kernel + "(") >= 0, kernel);
        }
    }

    private static String nvcc() {
        Stream<String> homes = Stream.of("CUDA_HOME", "CUDA_PATH").map(System::getenv).filter(h -> h != null).map(h -> h + "/bin");
        Stream<String> all = Stream.of(homes, Arrays.stream(System.getenv("PATH").split(":")), Stream.of(".cuda/toolkit/nvidia/cu13/bin"))
                .flatMap(s -> s);
        return all.map(f -> Path.of(f, "nvcc")).filter(Files::isExecutable).findFirst().map(Path::toString)
                .orElseGet(() -> Assumptions.abort("skipped: no nvcc, which llm-cuda/gpu/toolkit fetches"));
    }
}
