package io.jllm.cuda;

import io.jllm.cuda.kernels.adapter.AdapterKernels;
import io.jllm.cuda.kernels.DeviceFormat;
import io.jllm.cuda.kernels.DeviceStruct;
import io.jllm.cuda.kernels.SampleKernels;
import io.jllm.cuda.kernels.attention.Task;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Files of kernels as the driver of tests reads them: a whole one for builds without kernels, and some in which one thing is wrong. */
final class FakeImages {
    /** A kernel lacks a parameter. */
    static final String FEWER = "wrong_fewer";
    /** Two members of a struct stand in each other's place. */
    static final String SWAPPED = "wrong_swapped";
    /** A member of a struct stands elsewhere. */
    static final String MOVED = "wrong_moved";
    /** Two formats have each other's number. */
    static final String NUMBERED = "wrong_numbered";
    private static final String FORMATS = "f32 f16 bf16 q4_0 q8_0";
    private static final int STAGE_BYTES = 18_432;

    private FakeImages() {
    }

    /** Writes them where a class path that begins with the folder has them. */
    static void write(Path folder) throws IOException {
        Path to = Files.createDirectories(folder.resolve("io/jllm/cuda/kernels"));
        write(to, "fake", struct(SampleKernels.ROW) + struct(SampleKernels.RESULT) + struct(AdapterKernels.CHANGE)
                + struct(AdapterKernels.SITE) + struct(Task.STRUCT) + formats(FORMATS) + shapes() + "any\n");
        write(to, FEWER, "kernel rms_norm 8 4 8 8 4 8 4 8 8\n");
        write(to, SWAPPED, text("result_members", "Result token status logprob detail"));
        int[] numbers = Task.STRUCT.numbers();
        numbers[5] = 16; // the third member's offset
        write(to, MOVED, ints("task_layout", numbers));
        write(to, NUMBERED, formats("f32 f16 bf16 q8_0 q4_0"));
    }

    private static void write(Path folder, String file, String text) throws IOException {
        Files.writeString(folder.resolve(file + ".sm_90a.cubin"), text);
    }

    private static String struct(DeviceStruct s) {
        return ints(s.name() + "_layout", s.numbers()) + text(s.name() + "_members", s.names());
    }

    private static String formats(String names) {
        return text("chain_format_names", names)
                + ints("chain_formats", IntStream.range(0, names.split(" ").length).flatMap(i -> IntStream.of(i, STAGE_BYTES)).toArray());
    }

    /** Of any kernels: threads, and sizes of tiles where there are some. */
    private static String shapes() {
        return ints("table_shape", Arrays.stream(DeviceFormat.values()).mapToInt(f -> f.table().length).toArray())
                + ints("chain_shape", 512, 3_200, 5_376, 64, 24, 256) + ints("sample_greedy_shape", 256, 16, 1024)
                + ints("sample_rows_shape", 1024, 24, 65_536) + ints("top_k_shape", 1024, 256)
                + List.of("gemm", "copy_blocks", "expert", "rope_store").stream()
                        .map(f -> ints(f + "_shape", 128, 64)).collect(Collectors.joining())
                + ints("route_shape", 32, 64, 128, 256, 512, 1024) + ints("router_f32_shape", 32, 8, 1, 1, 64, 4, 4)
                + ints("router_f32_tiles_shape", 512, 32, 131_072)
                + ints("gemv_shape", 128, 16, 4, 64, 2048) + ints("gemv_gated_shape", 128, 32, 256, 33792)
                + text("wgmma_kinds", " wide split") + ints("wgmma_wide_shape", 384, 128, 256, 2, 1, 200_000, 64, 1, 660, 6000)
                + ints("wgmma_split_shape", 384, 128, 128, 1, 2, 200_000, 64, 0, 340, 11_000) + ints("mma_shape", 256, 128, 65_536)
                + ints("narrow_shape", 1024, 16, 64)
                + text("pair_wgmma_kinds", " n12_g2 n24_g3") + ints("pair_wgmma_n12_g2_shape", 288, 128, 64, 96, 48, 2, 200_000, 195, 10_000)
                + ints("pair_wgmma_n24_g3_shape", 416, 192, 64, 192, 96, 2, 200_000, 610, 10_000)
                + ints("few_shape", IntStream.range(0, 5 + DeviceFormat.values().length - 3).map(i -> i < 4 ? 32 >> i / 2 : 5_632).toArray())
                + ints("experts_shape", 128, 16, 256, 32, 256, 8) + ints("group_pairs_shape", 512, 1024) + ints("group_sum_shape", 256)
                + ints("group_dense_shape", 128, 128)
                + ints("group_blocks_shape", IntStream.range(0, 3 + DeviceFormat.values().length - 3).map(i -> i < 2 ? 128 : 5_632).toArray())
                + ints("group_mma_shape", 256, 128, 73_728, 98_304, 57_344, 81_920) + ints("group_wgmma_shape", 384, 256, 64, 200_000)
                + ints("few_dense_shape", 32, 12_288, 8_704, 4_352) + ints("few_pieces_f16_shape", 2, 2, 1, 1)
                + ints("few_pieces_bf16_shape", 2, 2, 2, 2) + ints("split_few_shape", 256) + ints("adapter_shape", 256, 8, 1024, 32, 1024, 2, 3)
                + ints("adapter_joined_shape", 256, 64, 4, 8, 512)
                + Stream.of("f16_n1", "f16_n2", "f16_n4", "f16_n8").map(f -> ints("few_wgmma_" + f + "_shape", 288, 128, 64, 64, 98_304))
                        .collect(Collectors.joining())
                + IntStream.of(8, 16).mapToObj(n -> ints("blocks_wgmma_n" + n + "_shape", 384, 128, 2, 128, 8 * n, 200_000, 1100, 5000))
                        .collect(Collectors.joining())
                + ints("rotated_shape", 384, 128, 256, 2, 200_000, 128) + ints("attn_plain_shape", 256, 576)
                + ints("attn_decode_shape", 128, 64, 256) + ints("attn_prefill_shape", 128, 128, 8)
                + Stream.of("attn_flash", "attn_wgmma", "attn_decode").flatMap(f -> IntStream.of(64, 128, 256).mapToObj(d ->
                        ints(f + "_d" + d + "_shape", 128, 128, 2, 65_536))).collect(Collectors.joining())
                + Stream.of("few", "some").flatMap(f -> IntStream.of(64, 128, 256).mapToObj(d ->
                        ints("attn_decode_" + f + "_d" + d + "_shape", 128, 65_536, 8_704, 4, 8, 8)))
                        .collect(Collectors.joining()) + ints("head_linear_shape", 128, 16, 2048)
                + List.of("embed", "pack", "expand", "rms_norm", "quantize", "gated", "select_rows", "order_columns",
                        "take_outliers", "add_outliers", "count_tokens", "take_drawn", "layer_norm", "act", "add_rows", "scale_rows", "add_positions",
                        "norm_heads", "rotate", "rope_store_any", "rope_angles", "scale_queries", "latent_parts").stream()
                        .map(f -> ints(f + "_shape", 128)).collect(Collectors.joining());
    }

    private static String ints(String name, int... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(numbers);
        return constant(name, bytes.array());
    }

    private static String text(String name, String text) {
        return constant(name, (text + "\0").getBytes(StandardCharsets.US_ASCII));
    }

    private static String constant(String name, byte[] bytes) {
        var line = new StringBuilder("constant ").append(name);
        for (byte b : bytes) {
            line.append(' ').append(b & 255);
        }
        return line.append('\n').toString();
    }
}
