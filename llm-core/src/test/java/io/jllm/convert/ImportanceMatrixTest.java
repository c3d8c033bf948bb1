package io.jllm.convert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.load.TinyGguf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportanceMatrixTest {
    @TempDir
    private Path folder;

    @Test
    void olderFiles() throws IOException {
        var path = folder.resolve("a.dat");
        ImatrixFiles.legacy(path, Map.of("blk.0.attn_q.weight", new float[] {3, 0, 6}), 3, 11, "wiki.txt");
        var matrix = ImportanceMatrix.read(path);
        assertEquals(Set.of("blk.0.attn_q.weight"), matrix.names());
        assertArrayEquals(new float[] {1, 0, 2}, matrix.of("blk.0.attn_q.weight").orElseThrow());
        assertTrue(matrix.of("output.weight").isEmpty());
        assertEquals(List.of("wiki.txt"), matrix.datasets());
        assertEquals(11, matrix.chunks());
        assertEquals(path.toString(), matrix.file());
        // nothing behind the entries, and no calls: as it stands
        ImatrixFiles.legacy(path, Map.of("a", new float[] {5}), 0, 0, "");
        var bytes = Files.readAllBytes(path);
        Files.write(path, Arrays.copyOf(bytes, bytes.length - 8));
        assertArrayEquals(new float[] {5}, ImportanceMatrix.read(path).of("a").orElseThrow());
        assertEquals(List.of(), ImportanceMatrix.read(path).datasets());
    }

    @Test
    void newerFiles() throws IOException {
        var path = folder.resolve("a.gguf");
        var sums = new LinkedHashMap<String, float[]>();
        sums.put("a.weight", new float[] {8, 2});
        sums.put("experts.weight", new float[] {1, 2, 30, 40, 9, 9});
        ImatrixFiles.gguf(path, sums, Map.of("a.weight", new float[] {4}, "experts.weight", new float[] {1, 10, 0}), List.of("one", "two"));
        var matrix = ImportanceMatrix.read(path);
        assertEquals(Set.of("a.weight", "experts.weight"), matrix.names());
        assertArrayEquals(new float[] {2, 0.5f}, matrix.of("a.weight").orElseThrow());
        assertArrayEquals(new float[] {1, 2, 3, 4, 1, 1}, matrix.of("experts.weight").orElseThrow()); // the third never ran
        assertEquals(List.of("one", "two"), matrix.datasets());
        assertEquals(7, matrix.chunks());
        matrix.of("a.weight").orElseThrow()[0] = -1;
        assertEquals(2, matrix.of("a.weight").orElseThrow()[0]);
    }

    @Test
    void brokenFilesSayWhere() throws IOException {
        var path = folder.resolve("a");
        fails(path, "there is no file");
        Files.write(path, new byte[0]);
        fails(path, "the number of entries is missing: the file ends at byte 0");
        Files.write(path, new byte[] {1, 0, 0, 0, -1, -1, -1, 127});
        fails(path, "the length of the name of entry 0 at byte 4 is 2147483647, must be 0 to 0");
        ImatrixFiles.legacy(path, Map.of("a", new float[] {1, Float.NaN}), 1, 0, "");
        fails(path, "entry a has the importance NaN for column 1");
        ImatrixFiles.legacy(path, Map.of("a", new float[] {-1}), 1, 0, "");
        fails(path, "entry a has the importance -1.0 for column 0");
        new TinyGguf().write(path);
        fails(path, "has no imatrix.* keys: this GGUF file holds no importance matrix");
        ImatrixFiles.gguf(path, Map.of("a", new float[] {1}), Map.of(), List.of());
        fails(path, "tensor a.counts is missing");
        assertTrue(assertThrows(ModelLoadException.class, () -> ImportanceMatrix.read(folder)).getMessage().contains("is a folder"));
    }

    /** Whatever a file holds, it is read or refused. */
    @Test
    void mutationsAreReadOrRefused() throws IOException {
        var random = new Random(3);
        for (boolean newer : new boolean[] {false, true}) {
            var path = folder.resolve("b" + newer);
            var values = Map.of("blk.0.attn_q.weight", new float[] {1, 2, 3}, "blk.1.attn_q.weight", new float[] {4, 5, 6});
            if (newer) {
                ImatrixFiles.gguf(path, values, Map.of("blk.0.attn_q.weight", new float[] {1}, "blk.1.attn_q.weight", new float[] {2}),
                        List.of("text"));
            } else {
                ImatrixFiles.legacy(path, values, 2, 3, "text");
            }
            var good = Files.readAllBytes(path);
            int refused = 0;
            for (int i = 0; i < 1000; i++) {
                var bytes = random.nextInt(4) == 0 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
                for (int k = random.nextInt(4); k >= 0 && bytes.length > 0; k--) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                }
                Files.write(path, bytes);
                try {
                    ImportanceMatrix.read(path);
                } catch (ModelLoadException e) {
                    assertTrue(e.getMessage().contains(path.toString()), e.getMessage());
                    refused++;
                }
            }
            assertTrue(refused > 300 && refused < 1000, "refused " + refused);
        }
    }

    private static void fails(Path path, String message) {
        var e = assertThrows(ModelLoadException.class, () -> ImportanceMatrix.read(path));
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }
}
