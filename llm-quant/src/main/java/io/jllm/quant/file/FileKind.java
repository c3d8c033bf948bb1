package io.jllm.quant.file;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Recognises what lies in the place of a model's file: a pointer that Git LFS left, a page that a browser saved, an archive. Asked only
 * once a file has been refused, so that nothing that can be read is ever mistaken for something else.
 */
public final class FileKind {
    private static final int HEAD_BYTES = 4096;
    private static final int SHOWN_CHARS = 60;
    private static final int TAR_MARK_AT = 257;
    private static final String FETCH = ": download the file itself";
    private static final Pattern LFS_SIZE = Pattern.compile("^size (\\d{1,19})$", Pattern.MULTILINE);
    private static final Pattern XML_CODE = Pattern.compile("<Code>([^<]{1,60})</Code>");

    private FileKind() {
    }

    /** What a file should have been. */
    public enum Wanted {
        GGUF("GGUF"), SAFETENSORS("safetensors"), PYTORCH("PyTorch"), JSON("JSON");

        private final String word;

        Wanted(String word) {
            this.word = word;
        }

        /** The name of the format. */
        @Override
        public String toString() {
            return word;
        }
    }

    /**
     * What a file is and what to do about it, as the end of a sentence that begins with the file; empty if it cannot be told.
     *
     * @param wanted what it should have been, and is not
     */
    public static Optional<String> of(Path file, Wanted wanted) {
        try (InputStream in = Files.newInputStream(file)) {
            return of(in.readNBytes(HEAD_BYTES), Files.size(file), wanted);
        } catch (IOException e) {
            return Optional.empty(); // the refusal itself says enough
        }
    }

    /**
     * As {@link #of(Path, Wanted)}.
     *
     * @param head the first bytes, some thousands where there are so many
     * @param size bytes of the whole file
     */
    static Optional<String> of(byte[] head, long size, Wanted wanted) {
        if (size == 0) {
            return Optional.of("is empty: an unfinished download perhaps; download it again");
        }
        return binary(head, wanted).or(() -> text(head).flatMap(t -> text(t, wanted)));
    }

    private static Optional<String> binary(byte[] head, Wanted wanted) {
        if (begins(head, "GGUF") && wanted != Wanted.GGUF) {
            return Optional.of("is a GGUF file, not a " + wanted + " file: to load it, give the file and not its folder");
        }
        if (begins(head, "tjgg") || begins(head, "fmgg") || begins(head, "lmgg") || begins(head, "algg")) {
            return Optional.of("is of the GGML format, which came before GGUF: convert the model anew with a current tool");
        }
        if (begins(head, "PK\3\4") || begins(head, "PK\5\6")) {
            return wanted == Wanted.PYTORCH ? Optional.empty() : Optional.of(holds(head, "/data.pkl") ? "is a PyTorch checkpoint, not a "
                    + wanted + " file" + (wanted == Wanted.SAFETENSORS ? ": name it pytorch_model.bin" : "") : "is a zip archive: unpack it first");
        }
        if (head.length > 1 && head[0] == (byte) 0x80 && head[1] >= 2 && head[1] <= 5) {
            return Optional.of("is a Python pickle, as PyTorch had them before version 1.6: load it with torch and save it anew, best as "
                    + "safetensors");
        }
        if (begins(head, "\u0089HDF\r\n\u001a\n")) {
            return Optional.of("is an HDF5 file, as Keras writes them: convert it to safetensors first");
        }
        Optional<String> archive = archive(head);
        if (archive.isPresent()) {
            return Optional.of("is " + archive.get() + ": unpack it first");
        }
        if (head.length > 8 && head[8] == '{' && head[4] == 0 && head[5] == 0 && head[6] == 0 && head[7] == 0
                && wanted != Wanted.SAFETENSORS) {
            return Optional.of("is a safetensors file, not a " + wanted + " file: " + (wanted == Wanted.PYTORCH ? "name it model.safetensors"
                    : "to load a Hugging Face model, give its folder"));
        }
        if (head.length >= 64 && zeros(head)) {
            return Optional.of("begins with zeros: an unfinished download; download it again");
        }
        return begins(head, "\u00ff\u00fe") || begins(head, "\u00fe\u00ff")
                ? Optional.of("is UTF-16 text, not a " + wanted + " file: "
                        + (wanted == Wanted.JSON ? "save it as UTF-8" : "download the file itself")) : Optional.empty();
    }

    private static Optional<String> archive(byte[] head) {
        String name = begins(head, "\u001f\u008b") ? "gzip" : begins(head, "\u0028\u00b5\u002f\u00fd") ? "Zstandard"
                : begins(head, "\u00fd7zXZ") ? "xz" : begins(head, "BZh") ? "bzip2" : begins(head, "7z\u00bc\u00af") ? "7-Zip"
                : begins(head, "Rar!") ? "RAR" : holdsAt(head, TAR_MARK_AT, "ustar") ? "tar" : "";
        return name.isEmpty() ? Optional.empty() : Optional.of("a file packed by " + name);
    }

    private static Optional<String> text(String text, Wanted wanted) {
        String begin = text.strip();
        String lower = begin.toLowerCase(Locale.ROOT);
        if (lower.startsWith("version https://git-lfs.github.com/spec/") || lower.startsWith("version https://hawser.github.com/spec/")
                || lower.startsWith("version http://git-media.io/")) {
            Matcher size = LFS_SIZE.matcher(text);
            return Optional.of("is a Git LFS pointer" + (size.find() ? ", which stands for a file of " + size.group(1) + " bytes" : "")
                    + ": run git lfs pull in the repository, or download the file itself");
        }
        if (begin.contains("/annex/objects/") && !begin.contains("\n")) {
            return Optional.of("is a git-annex pointer: run git annex get on it, or download the file itself");
        }
        if (lower.startsWith("<!doctype html") || lower.startsWith("<html") || lower.startsWith("<head")
                || lower.startsWith("<!--") && lower.contains("<html")) {
            return Optional.of("is an HTML page" + FETCH + ", not the page about it");
        }
        if (lower.startsWith("<?xml") || lower.startsWith("<error>")) {
            Matcher code = XML_CODE.matcher(begin);
            return Optional.of("is an XML document" + (code.find() ? ", a server's answer \"" + code.group(1) + "\"" : "") + FETCH);
        }
        boolean json = begin.startsWith("{") || begin.startsWith("[") || begin.startsWith("\"");
        if (wanted == Wanted.JSON) {
            // of what begins as JSON does the parser's complaint says more
            return json || begin.isEmpty() ? Optional.empty() : Optional.of("is no JSON: it begins \"" + shown(begin) + "\"");
        }
        if (begin.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of("is " + (json ? "JSON" : "text") + ", not a " + wanted + " file; it begins \"" + shown(begin) + "\""
                + FETCH);
    }

    private static String shown(String text) {
        String line = text.lines().findFirst().orElse("");
        return line.length() <= SHOWN_CHARS ? line : line.substring(0, SHOWN_CHARS) + "...";
    }

    /** The head as text, if it is UTF-8 without control characters; a character that the head cuts in two does not matter. */
    private static Optional<String> text(byte[] head) {
        for (int cut = 0; cut < Math.min(4, head.length); cut++) {
            try {
                String text = StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                        .decode(ByteBuffer.wrap(head, 0, head.length - cut)).toString();
                boolean plain = text.chars().allMatch(c -> c >= ' ' && c != 0x7f || c == '\n' || c == '\r' || c == '\t');
                return plain ? Optional.of(text.startsWith("\ufeff") ? text.substring(1) : text) : Optional.empty();
            } catch (CharacterCodingException _) {
                // one byte less
            }
        }
        return Optional.empty();
    }

    private static boolean begins(byte[] head, String latin1) {
        return holdsAt(head, 0, latin1);
    }

    private static boolean holdsAt(byte[] head, int at, String latin1) {
        byte[] mark = latin1.getBytes(StandardCharsets.ISO_8859_1);
        return head.length >= at + mark.length && Arrays.equals(head, at, at + mark.length, mark, 0, mark.length);
    }

    private static boolean holds(byte[] head, String latin1) {
        return new String(head, StandardCharsets.ISO_8859_1).contains(latin1);
    }

    private static boolean zeros(byte[] head) {
        for (byte b : head) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }
}
