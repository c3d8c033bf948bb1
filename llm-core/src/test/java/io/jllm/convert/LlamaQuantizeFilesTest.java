package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.quant.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Files that llama-quantize makes of the same checkpoint, byte for byte: SHA-256 of what llama.cpp of commit 3f545becc wrote on x86-64 from our
 * F32 file, with {@code --pure} and without.
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
        "Q3_K_S, true, 36d46ed27de3f24334815ae122ef462886f339520bcaeb9a93a35c5aa9f6ef80",
        "Q3_K_S, false, c941e564704c17767d60a1a8da8da544a5af990452dbab5a010f62c6e7986970",
        "Q2_K, true, 958831d1659266bea6920c7c2e56e3407eb0ebcfc0fa1ecbb70da94db384cc40",
        "Q2_K, false, dc8e0973f883ccf2b7f12c1a4c8c86d7e04e7305ec2847c1dfb0ddb61e00ec37",
        "Q6_K, true, 47a6092cd7cfb363f66216230c5e528f70dee3d427fa30ed01fb9588db0c2731",
        "Q6_K, false, 47a6092cd7cfb363f66216230c5e528f70dee3d427fa30ed01fb9588db0c2731",
        "Q4_K_M, false, c6b76d764dde78390e7c4ff46b08e194dd61496202c750ae35ca7fdd5172afbb",
        "Q5_K_M, false, 80f84ad943aa30bb0147b77f0eb98a109b133eb78b57d95c80839f230e33e5c8",
        "Q3_K_M, false, 6f5c085e65ce79ef3351ffc04e56189cffba5e3f08213a11f6328dd39b699f72",
        "IQ4_NL, false, 65b26ffaa1e570c9529cf0c481c316b924ab90e57dd779182236dd3a9d678eea",
        "IQ4_XS, false, e8ac3bf316fab1488da7200a0337a0fcca1cb0658dc020bcaf9ca4f39fe62059",
        "TQ1_0, false, 5668b4b3117595722c8ff2b48ef98bd65275ed42505d8ab283e1cf464f72baf4",
        "TQ2_0, false, a8997f9022e255defc203d8f31c25d3cc8d6f84065310a67410dc06054fd0642",
    })
    void sameFile(FileType type, boolean pure, String sha256) throws IOException, NoSuchAlgorithmException {
        assertEquals(sha256, sha256(Converter.Options.of(type).pure(pure)));
    }

    /** With importances of columns that were given to llama-quantize too, in a file {@code test.dat}. */
    @ParameterizedTest
    @CsvSource({
        "Q4_K_M, 96fbe89e07091a9c7f037ad8b90a6dff54c9dcda9998e04e20dc0af53350165e",
        "Q2_K_S, 6e75ce2269a5efaf0580488502a8e86d6ef4178d8485742ecbfd317f5790bd93",
        "Q5_0, dbbbf7ec32c5bd515d42123f8a08a5b94a3c979b0d83b233b677bb9754b1eacf",
    })
    void sameFileWithImportances(FileType type, String sha256) throws IOException, NoSuchAlgorithmException {
        var f32 = folder.resolve("f32.gguf");
        Converter.convert(model(), f32, Converter.Options.of(FileType.F32), Converter.Progress.NONE);
        var columns = new TreeMap<String, float[]>();
        try (var file = GgufFile.open(f32)) {
            long state = 16;
            for (var name : new TreeSet<>(file.names())) {
                if (name.startsWith("blk.") && file.get(name).rows() > 1) {
                    var values = new float[Math.toIntExact(file.get(name).cols())];
                    for (int i = 0; i < values.length; i++) {
                        state = state * 6364136223846793005L + 1442695040888963407L;
                        values[i] = ((state >>> 54) + 1) / 64f;
                    }
                    columns.put(name, values);
                }
            }
        }
        var dat = folder.resolve("test.dat");
        ImatrixFiles.legacy(dat, columns, 2, 3, "text");
        var read = ImportanceMatrix.read(dat);
        var halves = new LinkedHashMap<String, float[]>();
        read.names().forEach(name -> halves.put(name, read.of(name).orElseThrow()));
        var matrix = new ImportanceMatrix("test.dat", read.datasets(), read.chunks(), halves);
        assertEquals(sha256, sha256(Converter.Options.of(type).importance(matrix)));
    }

    private static Path model() {
        var shared = System.getProperty("jllm.shared", "");
        var model = Path.of(shared, "models", "fairytale-23m", "hf");
        assumeTrue(!shared.isEmpty() && Files.isDirectory(model), "needs models/fairytale-23m under -Djllm.shared");
        return model;
    }

    private String sha256(Converter.Options options) throws IOException, NoSuchAlgorithmException {
        var out = folder.resolve("out.gguf");
        Converter.convert(model(), out, options, Converter.Progress.NONE);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(out)));
    }
}
