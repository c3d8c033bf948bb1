package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.load.TinyGguf;
import io.jllm.model.RowOrder;
import io.jllm.quant.DType;
import io.jllm.quant.Encoder;
import io.jllm.quant.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which tensor is written in which format, and by which importances. */
class FormatChoiceTest extends ConverterCase {
    @ParameterizedTest
    @CsvSource({
        // type, pure, tied: token_embd, output, attn_q, ffn_down (rows of 96), ffn_up (rows of 40)
        "Q4_0, false, true, Q6_K, , Q4_0, Q4_0, F16", "Q4_0, false, false, Q4_0, Q6_K, Q4_0, Q4_0, F16",
        "Q4_0, true, true, Q4_0, , Q4_0, Q4_0, F16", "Q4_0, true, false, Q4_0, Q4_0, Q4_0, Q4_0, F16",
        "Q8_0, false, true, Q8_0, , Q8_0, Q8_0, F16", "Q6_K, false, false, Q6_K, Q6_K, Q6_K, Q8_0, F16",
        "Q4_1, false, true, Q6_K, , Q4_1, Q4_1, F16", "Q5_0, false, false, Q5_0, Q6_K, Q5_0, Q5_0, F16", "Q5_1, true, true, Q5_1, , Q5_1, Q5_1, F16",
        "Q3_K, false, true, Q6_K, , Q3_K, Q4_0, F16", "Q3_K, true, false, Q3_K, Q3_K, Q3_K, Q4_0, F16",
        "Q2_K, false, false, Q2_K, Q6_K, Q2_K, Q4_0, F16", "Q2_K, true, true, Q2_K, , Q2_K, Q4_0, F16",
        "F16, false, true, F16, , F16, F16, F16", "BF16, false, true, BF16, , BF16, BF16, BF16", "F32, false, true, F32, , F32, F32, F32",
    })
    void formatsAreThoseOfLlamaQuantize(DType type, boolean pure, boolean tied, DType embedding, DType output, DType q, DType down,
            DType up) throws IOException {
        var notes = new Notes();
        var types = types(wide(tied), Converter.Options.of(type).pure(pure), notes);
        assertEquals(embedding, types.get("token_embd"));
        assertEquals(output, types.get("output"));
        assertEquals(q, types.get("attn_q"));
        assertEquals(down, types.get("ffn_down"));
        assertEquals(up, types.get("ffn_up"));
        for (var small : List.of("attn_q_norm", "attn_norm", "attn_q.bias", "ffn_gate_inp")) {
            assertEquals(DType.F32, types.get(small), small);
        }
        assertEquals(type.isQuantized() ? type.blockElements() == 256 ? 2 : 1 : 0, notes.notes.size(), notes.notes.toString());
        assertTrue(!type.isQuantized() || notes.notes.toString().contains("blk.0.ffn_up.weight has rows of 40 values, which do not fill "
                + "blocks of " + type.blockElements() + " (" + type + "): it is written as F16"), notes.notes.toString());
    }

    @Test
    void twoBitsAreMixedWithThree() throws IOException {
        var file = new TinyGguf();
        file.tensors.clear();
        file.matrix("token_embd.weight", 4, 256).matrix("output.weight", 4, 256);
        var three = List.of("ffn_down", "ffn_down_exps", "attn_output", "attn_v", "attn_qkv", "attn_kv_b");
        var two = List.of("ffn_up", "ffn_gate", "attn_q", "attn_k");
        for (var name : three) {
            file.matrix("blk.0." + name + ".weight", 4, 256);
        }
        for (var name : two) {
            file.matrix("blk.0." + name + ".weight", 4, 256);
        }
        var model = file.write(folder.resolve("in.gguf"));
        var mixed = types(model, Converter.Options.of(DType.Q2_K), new Notes());
        var pure = types(model, Converter.Options.of(DType.Q2_K).pure(true), new Notes());
        three.forEach(n -> assertEquals(DType.Q3_K, mixed.get(n), n));
        two.forEach(n -> assertEquals(DType.Q2_K, mixed.get(n), n));
        assertTrue(pure.values().stream().allMatch(DType.Q2_K::equals), pure.toString());
    }

    @Test
    void someTensorsGetOtherFormats() throws IOException {
        var own = List.of(TensorType.parse("attn_q\\.weight$=q5_1"), TensorType.parse("ffn_(up|down)=IQ4_XS"), TensorType.parse("attn_q=F16"));
        for (boolean pure : new boolean[] {false, true}) {
            var types = types(wide(false), Converter.Options.of(FileType.Q4_K_M).pure(pure).tensorTypes(own), new Notes());
            assertEquals(DType.Q5_1, types.get("attn_q"));
            assertEquals(DType.IQ4_NL, types.get("ffn_down")); // rows of 96
            assertEquals(DType.F16, types.get("ffn_up")); // rows of 40
            assertEquals(pure ? DType.Q4_K : DType.Q6_K, types.get("output"));
            assertEquals(DType.F32, types.get("attn_q_norm"));
        }
        for (var wrong : List.of("attn_q", "=Q4_0", "attn_q=", "attn_q=Q9", "attn_q=IQ2_XS", "a(=Q4_0")) {
            var e = assertThrows(IllegalArgumentException.class, () -> TensorType.parse(wrong));
            assertTrue(e.getMessage().contains(wrong) || e.getMessage().contains("\"a(\" is no regular expression: Unclosed group"), e.getMessage());
        }
    }

    @Test
    void namesOfFileTypes() {
        assertEquals(FileType.Q4_K_M, FileType.named("q4_k").orElseThrow());
        assertEquals(FileType.Q3_K_M, FileType.named("Q3_K").orElseThrow());
        assertEquals(FileType.Q4_K_S, FileType.named("Q4_K_S").orElseThrow());
        assertTrue(FileType.named("IQ2_XS").isEmpty());
        assertEquals(FileType.Q5_K_S, FileType.of(DType.Q5_K));
        assertEquals(FileType.Q2_K, FileType.of(DType.Q2_K));
        for (var type : FileType.all()) {
            assertEquals(type, FileType.named(type.name()).orElseThrow());
        }
        assertEquals(FileType.all().size(), FileType.all().stream().map(FileType::number).distinct().count());
    }

    @Test
    void importancesThatDoNotFit() throws IOException {
        var in = wide(false);
        var out = folder.resolve("out.gguf");
        var few = Map.of("blk.0.attn_q.weight", new float[128]);
        var notes = new Notes();
        fails(in, out, Converter.Options.of(FileType.Q4_K_M).importance(new ImportanceMatrix("few.dat", List.of(), 0, few)),
                "tensor blk.0.attn_q.weight has 256 columns; few.dat has importances for 128: it is of another model");
        fails(in, out, Converter.Options.of(FileType.Q2_K_S), "tensor blk.0.attn_q.weight of a file of type Q2_K_S is written in Q2_K, and needs "
                + "importances of its columns: give an importance matrix (--imatrix), or ask for Q2_K");
        var other = new ImportanceMatrix("other.dat", List.of(), 0, Map.of("blk.0.ffn_down.weight", new float[96]));
        fails(in, out, Converter.Options.of(FileType.Q2_K_S).importance(other), ", which other.dat does not have");
        Converter.convert(in, out, Converter.Options.of(FileType.Q4_K_M).importance(other), notes);
        assertTrue(notes.notes.contains("tensor blk.0.attn_q.weight is not in other.dat: all its columns count alike"), notes.notes.toString());
        assertTrue(notes.notes.stream().noneMatch(n -> n.contains("output.weight is not")), notes.notes.toString());
    }

    /** Each expert is written with importances of its own, as if it stood alone. */
    @Test
    void expertsHaveImportancesOfTheirOwn() throws IOException {
        var random = new Random(5);
        var values = new float[2 * 3 * 256];
        var counts = new float[2 * 256];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        for (int i = 0; i < counts.length; i++) {
            counts[i] = random.nextInt(1, 1000);
        }
        var name = "blk.0.ffn_up_exps.weight";
        var data = MemorySegment.ofArray(values);
        var item = new Checkpoint.Item(new Tensor(name, DType.F32, 6, 256, data), List.of(256L, 3L, 2L), RowOrder.KEPT);
        var written = new ByteArrayOutputStream();
        try (var pool = Executors.newFixedThreadPool(2)) {
            new TensorCopy(item, DType.Q4_K, counts).write(Channels.newChannel(written), pool, 2);
        }
        var want = new byte[6 * 144];
        for (int expert = 0; expert < 2; expert++) {
            Encoder.of(DType.Q4_K).orElseThrow().encode(values, expert * 768, 768, Arrays.copyOfRange(counts, expert * 256, expert * 256 + 256),
                    MemorySegment.ofArray(want), expert * 3 * 144);
        }
        assertArrayEquals(want, written.toByteArray());
    }
}
