package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.load.TinyGguf;
import io.jllm.model.GoldenModel;
import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What cannot be written says why, and leaves nothing behind. */
class RefusedConversionsTest extends ConverterCase {
    private static float[] values(float odd) {
        var values = new float[64];
        values[5] = odd;
        return values;
    }

    @Test
    void valuesThatDoNotFit() throws IOException {
        var in = new TinyGguf().matrix("token_embd.weight", 2, 32, values(70_000)).matrix("output.weight", 2, 32, values(1))
                .write(folder.resolve("in.gguf"));
        var out = folder.resolve("out.gguf");
        fails(in, out, DType.F16, "tensor token_embd.weight holds 70000.0 in place 5; F16 holds numbers up to 65504.0: BF16 holds more");
        Converter.convert(in, out, Converter.Options.of(DType.BF16), Converter.Progress.NONE);
        Files.delete(out);
        new TinyGguf().matrix("token_embd.weight", 2, 32, values(Float.NaN)).write(in);
        fails(in, out, DType.Q4_0, "tensor token_embd.weight holds NaN in place 5");
        try (var left = Files.list(folder)) {
            assertEquals(List.of(in), left.toList());
        }
    }

    @Test
    void brokenFoldersNameEveryProblem() throws IOException {
        var dir = GoldenModel.unpack("llama-grouped", "config.json", folder);
        var config = Files.readString(dir.resolve("config.json"));
        var out = folder.resolve("out.gguf");
        Files.writeString(dir.resolve("config.json"), config.replaceFirst("\"num_hidden_layers\": \\d+", "\"num_hidden_layers\": 4000"));
        fails(dir, out, DType.F32, "tensor blk.2.attn_norm.weight");
        fails(dir, out, DType.F32, " more");
        Files.writeString(dir.resolve("config.json"), config.replaceFirst("\"vocab_size\": \\d+", "\"vocab_size\": 1000000"));
        fails(dir, out, DType.F32, "tensor token_embd.weight is ");
    }

    @Test
    void pathsThatCannotBe() throws IOException {
        var in = new TinyGguf().write(folder.resolve("in.gguf"));
        var options = Converter.Options.of(DType.F16);
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Converter.convert(in, in, options, Converter.Progress.NONE))
                .getMessage().contains("is the model itself"));
        assertTrue(assertThrows(IOException.class, () -> Converter.convert(in, folder, options, Converter.Progress.NONE))
                .getMessage().contains("it is a folder"));
        assertTrue(assertThrows(IOException.class, () -> Converter.convert(in, folder.resolve("no/out.gguf"), options,
                Converter.Progress.NONE)).getMessage().contains("its folder does not exist"));
        fails(folder.resolve("none"), folder.resolve("out.gguf"), DType.F16, "there is no file");
    }

    @Test
    void optionsOutOfRange() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Converter.Options.of(DType.IQ2_XS)).getMessage()
                .contains("models cannot be written as IQ2_XS; supported are [F32, F16, BF16, Q8_0, Q6_K, Q5_K_M, Q5_K_S, "));
        assertThrows(IllegalArgumentException.class, () -> Converter.Options.of(DType.F16).threads(0));
    }
}
