package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files that llama-quantize makes of the same checkpoint, byte for byte: SHA-256 of what llama.cpp of commit 3f545becc wrote on x86-64 from our
 * F32 file, with {@code --pure} and without (Q3_K is its Q3_K_S).
 */
class LlamaQuantizeFilesTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "Q5_1, true, 5ea61838da5f5a73a72d4ae39b389d55f78f62c183b4f83d73b3ece84816bfa9",
        "Q5_1, false, 91ee40d9ccf95ce0cbe3bb1426038c506064d77df031c654ca79ab128623705e",
        "Q5_0, true, 92637656aa86b6ce30ec0241e0f255e1be30d57ea25a8f6d6df7cf31264f4ea0",
        "Q5_0, false, a704e1459edc1b9e6f220e3cc4b7791dfb89a5d677487b1970a671f04c9bda22",
        "Q4_1, true, 102765805dd9ca0257c2aae60a5b6225bbf8e3bb5b9ff410a7c98e68ab2c17af",
        "Q4_1, false, 3e7e0e2754542fe380aed98efd77b1a88fd5f9eb56b268d82614368364dd976b",
        "Q3_K, true, 36d46ed27de3f24334815ae122ef462886f339520bcaeb9a93a35c5aa9f6ef80",
        "Q3_K, false, c941e564704c17767d60a1a8da8da544a5af990452dbab5a010f62c6e7986970",
        "Q2_K, true, 958831d1659266bea6920c7c2e56e3407eb0ebcfc0fa1ecbb70da94db384cc40",
        "Q2_K, false, dc8e0973f883ccf2b7f12c1a4c8c86d7e04e7305ec2847c1dfb0ddb61e00ec37",
        "Q6_K, true, 47a6092cd7cfb363f66216230c5e528f70dee3d427fa30ed01fb9588db0c2731",
        "Q6_K, false, 47a6092cd7cfb363f66216230c5e528f70dee3d427fa30ed01fb9588db0c2731",
    })
    void sameFile(DType type, boolean pure, String sha256) throws IOException, NoSuchAlgorithmException {
        var shared = System.getProperty("jllm.shared", "");
        var model = Path.of(shared, "models", "fairytale-23m", "hf");
        assumeTrue(!shared.isEmpty() && Files.isDirectory(model), "needs models/fairytale-23m under -Djllm.shared");
        var out = folder.resolve("out.gguf");
        Converter.convert(model, out, Converter.Options.of(type).pure(pure), Converter.Progress.NONE);
        assertEquals(sha256, HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(out))));
    }
}
