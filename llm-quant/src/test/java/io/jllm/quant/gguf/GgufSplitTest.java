package io.jllm.quant.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.FormatException;
import io.jllm.quant.gguf.GgufValue.Type;
import io.jllm.quant.gguf.GgufWriter.Progress;
import io.jllm.quant.gguf.GgufWriter.TensorEntry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models in several files: names, keys and their types as llama.cpp's gguf-split writes them. */
class GgufSplitTest {
    @TempDir
    private Path dir;

    private Path name(int number, int count) {
        return dir.resolve("m-%05d-of-%05d.gguf".formatted(number, count));
    }

    private static Map<String, GgufValue> keys(int number, int count, int tensors) {
        var keys = new LinkedHashMap<String, GgufValue>();
        if (number == 0) {
            keys.putAll(Samples.metadata());
        }
        keys.put("split.no", new GgufValue.Int(Type.UINT16, number));
        keys.put("split.count", new GgufValue.Int(Type.UINT16, count));
        keys.put("split.tensors.count", new GgufValue.Int(Type.INT32, tensors));
        return keys;
    }

    private static void write(Path file, Map<String, GgufValue> keys, List<TensorEntry> tensors) throws IOException {
        GgufWriter.write(file, keys, tensors, Progress.NONE);
    }

    /** The sample's four tensors: so many in each file. */
    private Path split(int... tensors) throws IOException {
        int at = 0;
        for (int i = 0; i < tensors.length; i++) {
            write(name(i + 1, tensors.length), keys(i, tensors.length, 4), Samples.tensors().subList(at, at + tensors[i]));
            at += tensors[i];
        }
        return name(1, tensors.length);
    }

    private static void refused(Path file, String... words) {
        var e = assertThrows(FormatException.class, () -> GgufFile.open(file));
        for (String word : words) {
            assertTrue(e.getMessage().contains(word), word + " is not in: " + e.getMessage());
        }
    }

    private void sameAsWhole(Path first, int files) throws IOException {
        Path whole = dir.resolve("whole.gguf");
        write(whole, Samples.metadata(), Samples.tensors());
        try (var one = GgufFile.open(whole); var many = GgufFile.open(first)) {
            assertEquals(files, many.files().size());
            assertEquals(List.copyOf(one.names()), List.copyOf(many.names()));
            assertEquals(one.tensorInfos().stream().map(GgufFile.TensorInfo::name).toList(),
                    many.tensorInfos().stream().map(GgufFile.TensorInfo::name).toList());
            for (String name : one.names()) {
                assertEquals(-1, one.get(name).data().mismatch(many.get(name).data()), name);
            }
            assertTrue(many.metadata().entries().keySet().containsAll(one.metadata().entries().keySet()));
            assertEquals("llama", many.metadata().text("general.architecture").orElseThrow());
            var e = assertThrows(FormatException.class, () -> many.get("absent"));
            assertTrue(e.getMessage().startsWith(first + ": tensor absent is missing"), e.getMessage());
        }
    }

    @Test
    void openByTheFirst() throws IOException {
        sameAsWhole(split(2, 2), 2);
        sameAsWhole(split(0, 3, 1), 3);
        sameAsWhole(split(1, 1, 0, 1, 1), 5);
    }

    @Test
    void closingGivesAllBack() throws IOException {
        GgufFile file = GgufFile.open(split(2, 2));
        var last = file.get("blocks");
        file.close();
        file.close();
        assertThrows(IllegalStateException.class, () -> last.data().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    void oneFileThatWasSplitOnce() throws IOException {
        Path merged = dir.resolve("merged.gguf");
        write(merged, keys(0, 0, 4), Samples.tensors());
        sameAsWhole(merged, 1);
        write(merged, keys(0, 1, 4), Samples.tensors());
        sameAsWhole(merged, 1);
    }

    @Test
    void laterFilesPointToTheFirst() throws IOException {
        Path first = split(2, 1, 1);
        refused(name(2, 3), "is number 2 of 3 of a split model", "give " + first);
        refused(name(3, 3), "is number 3 of 3 of a split model", "give " + first);
        Files.delete(first);
        refused(name(2, 3), "give " + first, "which is not there: download all 3");
        refused(Files.move(name(2, 3), dir.resolve("other.gguf")), "give the one whose name ends in -00001-of-00003.gguf");
    }

    @Test
    void missingFilesAreNamed() throws IOException {
        Path first = split(1, 1, 1, 1);
        Files.delete(name(3, 4));
        refused(first, "is the first of 4", "1 is missing: " + name(3, 4), "Download it into the same folder");
        Files.delete(name(2, 4));
        refused(first, "2 are missing: " + name(2, 4) + ", " + name(3, 4), "Download them");
        Files.createDirectory(name(2, 4));
        Files.writeString(name(3, 4), "version https://git-lfs.github.com/spec/v1\nsize 9\n");
        refused(first, name(2, 4) + ": the path is a folder");
        Files.delete(name(2, 4));
        Files.createSymbolicLink(name(2, 4), Path.of("nowhere"));
        refused(first, name(2, 4) + ": the path is a link to nowhere");
        Files.delete(name(2, 4));
        write(name(2, 4), keys(1, 4, 4), Samples.tensors().subList(1, 2));
        refused(first, name(3, 4) + ": the file is a Git LFS pointer");
    }

    @Test
    void filesFoundThroughLinks() throws IOException {
        Path first = split(3, 1);
        Path blobs = Files.createDirectory(dir.resolve("blobs"));
        for (int i = 1; i <= 2; i++) {
            Path blob = Files.move(name(i, 2), blobs.resolve("0a" + i));
            Files.createSymbolicLink(name(i, 2), blob);
        }
        sameAsWhole(first, 2);
    }

    @Test
    void namesThatDoNotFit() throws IOException {
        Path first = split(2, 2);
        refused(Files.copy(first, dir.resolve("renamed.gguf")), "is the first of 2 of a split model", "NAME-00001-of-00002.gguf", "--merge");
        refused(Files.copy(first, name(1, 3)), "must be named", "NAME-00001-of-00002.gguf");
        refused(Files.copy(first, dir.resolve("-00001-of-00002.gguf")), "must be named");
        for (String piece : new String[] {"big.gguf-split-a", "big.gguf.part1of2", "big.gguf.002"}) {
            byte[] whole = Files.readAllBytes(first);
            Path cut = Files.write(dir.resolve(piece), java.util.Arrays.copyOf(whole, whole.length / 2));
            refused(cut, "is, by its name, a piece of a file", "cat PIECES > model.gguf");
        }
    }

    @Test
    void contradictions() throws IOException {
        Path first = split(2, 2);
        write(name(2, 2), keys(0, 2, 4), Samples.tensors().subList(2, 4));
        refused(first, name(2, 2) + ": metadata split.no is 0, must be 1");
        var keys = keys(1, 2, 4);
        keys.remove("split.no");
        write(name(2, 2), keys, Samples.tensors().subList(2, 4));
        refused(first, "metadata split.no is missing, must be 1");
        write(name(2, 2), keys(1, 3, 4), Samples.tensors().subList(2, 4));
        refused(first, "metadata split.count is 3, but 2 in the first file");
        write(name(2, 2), keys(1, 2, 4), Samples.tensors().subList(1, 3));
        refused(first, name(2, 2) + ": tensor matrix is in " + first + " too");
        write(name(2, 2), keys(1, 2, 4), Samples.tensors().subList(2, 3));
        refused(first, "split.tensors.count is 4, but the 2 files hold 3 tensors");
        keys = keys(0, 2, 4);
        keys.remove("split.no");
        write(first, keys, List.of());
        refused(first, "metadata split.no is missing, though split.count is 2");
        write(first, keys(2, 2, 4), List.of());
        refused(first, "metadata split.no is 2; of 2 files it must be from 0 to 1");
        keys = keys(0, 2, 4);
        keys.put("split.count", new GgufValue.Text("2"));
        write(first, keys, List.of());
        refused(first, "metadata split.count", "must be an integer");
        keys.put("split.count", new GgufValue.Int(Type.INT64, -2));
        write(first, keys, List.of());
        refused(first, "metadata split.count is -2");
        keys.put("split.count", new GgufValue.Int(Type.UINT32, 4_000_000_000L));
        write(first, keys, List.of());
        refused(first, "metadata split.count is 4000000000, must be from 0 to 65535");
        keys.put("split.count", new GgufValue.Int(Type.UINT16, 65535));
        write(dir.resolve("m-00001-of-65535.gguf"), keys, List.of());
        refused(dir.resolve("m-00001-of-65535.gguf"), "65534 are missing", "-00006-of-65535.gguf, ...");
    }

    @Test
    void countsOfOtherKindsAndNoTotal() throws IOException {
        Path first = split(2, 2);
        var keys = keys(0, 2, 4);
        keys.put("split.count", new GgufValue.Int(Type.UINT64, 2));
        keys.remove("split.tensors.count");
        write(first, keys, Samples.tensors().subList(0, 2));
        sameAsWhole(first, 2);
    }

    @Test
    void aLaterFileMayBeDamaged() throws IOException {
        Path first = split(2, 2);
        byte[] bytes = Files.readAllBytes(name(2, 2));
        Files.write(name(2, 2), java.util.Arrays.copyOf(bytes, bytes.length - 200));
        refused(first, name(2, 2) + ": tensor blocks needs");
        Files.writeString(name(2, 2), "not a model", StandardCharsets.UTF_8);
        refused(first, name(2, 2) + ": the file is text");
        Files.write(name(2, 2), bytes);
        sameAsWhole(first, 2);
    }
}
