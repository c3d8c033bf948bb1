package io.jllm.quant.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.quant.FormatException;
import io.jllm.quant.file.FileKind.Wanted;
import io.jllm.quant.gguf.GgufFile;
import io.jllm.quant.safetensors.HuggingFaceWeights;
import io.jllm.quant.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FileKindTest {
    private static final String POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:"
            + "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 2336927755\n";

    @TempDir
    private Path dir;

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** What lies there, and what is said of it. */
    static List<Arguments> kinds() {
        byte[] tar = Arrays.copyOf(latin1("model/config.json"), 512);
        System.arraycopy(latin1("ustar"), 0, tar, 257, 5);
        return List.of(
                Arguments.of(latin1(POINTER), "is a Git LFS pointer, which stands for a file of 2336927755 bytes: run git lfs pull"),
                Arguments.of(latin1(POINTER.replace("\n", "\r\n")), "is a Git LFS pointer"),
                Arguments.of(latin1("version https://hawser.github.com/spec/v1\noid sha256:00\n"), "is a Git LFS pointer: run git lfs pull"),
                Arguments.of(latin1("../.git/annex/objects/fV/9x/SHA256E-s12--00.gguf/SHA256E-s12--00.gguf"),
                        "is a git-annex pointer: run git annex get"),
                Arguments.of(latin1("<!DOCTYPE html>\n<html><body>Sign in"), "is an HTML page: download the file itself"),
                Arguments.of(latin1("\n  <HTML lang=\"en\">" + "<p>".repeat(3000)), "is an HTML page"),
                Arguments.of(latin1("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>"), "a server's answer \"AccessDenied\""),
                Arguments.of(latin1("PK\3\4\24\0\0\0\0\0archive/data.pkl"), "is a PyTorch checkpoint, not a "),
                Arguments.of(latin1("PK\3\4\24\0\0\0\0\0model.gguf"), "is a zip archive: unpack it first"),
                Arguments.of(latin1("\u0080\2\u008a\nl\u00fc\u009cF\u00f9 j\u00a8P\31."), "is a Python pickle"),
                Arguments.of(latin1("\u001f\u008b\u0008\0\0\0\0\0"), "is a file packed by gzip: unpack it first"),
                Arguments.of(tar, "is a file packed by tar"),
                Arguments.of(latin1("(\u00b5/\u00fd\4\0"), "is a file packed by Zstandard"),
                Arguments.of(latin1("\u0089HDF\r\n\u001a\n\0\0"), "is an HDF5 file"),
                Arguments.of(latin1("tjgg\3\0\0\0"), "is of the GGML format, which came before GGUF: convert the model anew"),
                Arguments.of(new byte[4096], "begins with zeros: an unfinished download"),
                Arguments.of(new byte[0], "is empty"));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void namedWhateverTheyReplace(byte[] bytes, String words) throws IOException {
        Path gguf = Files.write(dir.resolve("m.gguf"), bytes);
        said(assertThrows(FormatException.class, () -> GgufFile.open(gguf)), gguf, words);
        Path single = Files.write(dir.resolve("model.safetensors"), bytes);
        said(assertThrows(FormatException.class, () -> SafetensorsFile.open(single)), single, words);
        said(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir)), single, words);
        Files.delete(single);
        Path index = Files.write(dir.resolve("model.safetensors.index.json"), bytes);
        said(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir)), index, words);
        Files.writeString(index, "{\"weight_map\":{\"a\":\"one.safetensors\"}}");
        Path shard = Files.write(dir.resolve("one.safetensors"), bytes);
        said(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir)), shard, words);
    }

    private static void said(FormatException e, Path file, String words) {
        assertTrue(e.getMessage().startsWith(file + ": ") && e.getMessage().contains(words), e.getMessage());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
        for (Throwable t = e; t != null; t = t.getCause()) {
            String message = String.valueOf(t.getMessage());
            assertTrue(Stream.of("JsonReader", "gson").noneMatch(message::contains), message);
        }
    }

    @Test
    void formatsThatWereMixedUp() throws IOException {
        byte[] gguf = Arrays.copyOf(latin1("GGUF\3\0\0\0"), 24);
        byte[] safetensors = Arrays.copyOf(latin1("\2\0\0\0\0\0\0\0{}"), 10);
        assertEquals(Optional.empty(), FileKind.of(gguf, 24, Wanted.GGUF));
        assertEquals(Optional.empty(), FileKind.of(safetensors, 10, Wanted.SAFETENSORS));
        Path file = Files.write(dir.resolve("model.safetensors"), gguf);
        said(assertThrows(FormatException.class, () -> SafetensorsFile.open(file)), file, "is a GGUF file, not a safetensors file");
        Files.write(file, safetensors);
        said(assertThrows(FormatException.class, () -> GgufFile.open(file)), file, "to load a Hugging Face model, give its folder");
        assertTrue(FileKind.of(safetensors, 10, Wanted.JSON).orElseThrow().contains("is a safetensors file, not a JSON file"));
        assertTrue(FileKind.of("{}".getBytes(StandardCharsets.UTF_16), 6, Wanted.JSON).orElseThrow().contains("UTF-16 text"));
    }

    @Test
    void textsAreShown() {
        byte[] text = latin1("Entry not found");
        assertEquals("is text, not a GGUF file; it begins \"Entry not found\": download the file itself",
                FileKind.of(text, text.length, Wanted.GGUF).orElseThrow());
        assertEquals("is no JSON: it begins \"Entry not found\"", FileKind.of(text, text.length, Wanted.JSON).orElseThrow());
        byte[] json = latin1("{\"error\":\"Repository not found\"}");
        assertTrue(FileKind.of(json, json.length, Wanted.SAFETENSORS).orElseThrow()
                .startsWith("is JSON, not a safetensors file; it begins \"{\\\"error"
                .replace("\\", "")));
        assertEquals(Optional.empty(), FileKind.of(json, json.length, Wanted.JSON), "what is wrong with JSON the parser says");
        byte[] cut = Arrays.copyOf("a".repeat(58).concat("\u00e9\u00e9\u00e9").getBytes(StandardCharsets.UTF_8), 61);
        assertTrue(FileKind.of(cut, 1000, Wanted.GGUF).orElseThrow().contains("a\u00e9\": download"), "a character cut in two");
        assertEquals(Optional.empty(), FileKind.of(new byte[] {1, 2, 3, 4, 5}, 5, Wanted.GGUF));
    }

    /** Files that begin as something else does, and can be read, are read. */
    @Test
    void nothingThatCanBeReadIsJudgedByItsBeginning() throws IOException {
        byte[] header = Arrays.copyOf(latin1("{}"), 0x4b50); // its length, little-endian, begins as a zip archive does
        Arrays.fill(header, 2, header.length, (byte) ' ');
        byte[] all = new byte[8 + header.length];
        all[0] = 'P';
        all[1] = 'K';
        System.arraycopy(header, 0, all, 8, header.length);
        try (var file = SafetensorsFile.open(Files.write(dir.resolve("pk.safetensors"), all))) {
            assertTrue(file.tensors().isEmpty());
        }
    }

    @Test
    void complaintsOfTheParser() throws IOException {
        Path index = dir.resolve("model.safetensors.index.json");
        for (String json : new String[] {"{\"weight_map\": nope}", "{\"weight_map\":{\"a\":\"b.safetensors\",}}", "{\"weight_map\"", "[1]",
                "{\"a\":'b'}"}) {
            Files.writeString(index, json);
            said(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir)), index, "is not the JSON that it should be: ");
        }
        Files.writeString(index, "{\"error\":\"Invalid username or password.\"}");
        said(assertThrows(FormatException.class, () -> HuggingFaceWeights.open(dir)), index,
                "holds the answer of a server, \"Invalid username or password.\": download the file itself");
    }
}
