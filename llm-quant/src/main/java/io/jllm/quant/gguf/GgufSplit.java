package io.jllm.quant.gguf;

import io.jllm.quant.FormatException;
import io.jllm.quant.gguf.GgufFile.TensorInfo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Pattern;

/**
 * Models in several GGUF files. Source: llama.cpp ({@code tools/gguf-split}, {@code llama_split_path}): each file says in {@code split.no}
 * which one it is, from 0 on, and in {@code split.count} how many there are; the first has all other metadata, and perhaps no tensors;
 * names end in {@code -00001-of-0000N.gguf}.
 */
final class GgufSplit {
    private static final String NUMBER = "split.no";
    private static final String COUNT = "split.count";
    private static final String TENSORS = "split.tensors.count";
    /** The counts are of 16 bits. */
    private static final int MOST = 65535;
    private static final int SHOWN = 5;
    /** Pieces that were cut at any byte to fit a limit on the size of files. */
    private static final Pattern PIECE = Pattern.compile("(?i).*(\\.gguf-split-[a-z]+|\\.gguf\\.part-?\\w+|\\.gguf\\.\\d{2,3})", Pattern.DOTALL);

    private GgufSplit() {
    }

    /** The file, and if it is the first of several, all others, in order. */
    static List<GgufPart> open(Path path) throws IOException {
        var parts = new ArrayList<GgufPart>();
        boolean done = false;
        try {
            parts.add(first(path));
            int count = count(parts.getFirst());
            if (count > 1) {
                addOthers(path, count, parts);
            }
            done = true;
            return List.copyOf(parts);
        } finally {
            if (!done) {
                parts.forEach(GgufPart::close);
            }
        }
    }

    private static GgufPart first(Path path) throws IOException {
        try {
            return GgufPart.open(path);
        } catch (FormatException e) {
            if (PIECE.matcher(path.toString()).matches()) {
                throw new FormatException(path.toString(), "the file", "is, by its name, a piece of a file that was cut anywhere: "
                        + "put all pieces together first, in order (cat PIECES > model.gguf)", e);
            }
            throw e;
        }
    }

    private static void addOthers(Path path, int count, List<GgufPart> parts) throws IOException {
        GgufPart given = parts.getFirst();
        long number = number(given, NUMBER).orElseThrow(() -> new FormatException(given.file(), "metadata " + NUMBER,
                "is missing, though " + COUNT + " is " + count));
        String name = String.valueOf(path.getFileName());
        String end = end(number, count);
        if (number < 0 || number >= count) {
            throw new FormatException(given.file(), "metadata " + NUMBER, "is " + number + "; of " + count
                    + " files it must be from 0 to " + (count - 1));
        }
        boolean named = name.endsWith(end) && name.length() > end.length();
        String prefix = named ? name.substring(0, name.length() - end.length()) : "";
        if (number > 0) {
            Path first = path.resolveSibling(prefix + end(0, count));
            throw new FormatException(given.file(), "the file", "is number " + (number + 1) + " of " + count
                    + " of a split model, which is loaded by its first file: give " + (named ? first.toString() : "the one whose name ends in "
                    + end(0, count)) + (named && !isThere(first) ? ", which is not there: download all " + count : ""));
        }
        if (!named) {
            throw new FormatException(given.file(), "the file", "is the first of " + count + " of a split model, and must be named so that "
                    + "the others are found beside it: NAME" + end + ". Give it back its name, or put all together "
                    + "with llama-gguf-split --merge");
        }
        List<Path> others = new ArrayList<>();
        for (int i = 1; i < count; i++) {
            others.add(path.resolveSibling(prefix + end(i, count)));
        }
        List<Path> missing = others.stream().filter(p -> !isThere(p)).toList();
        if (!missing.isEmpty()) {
            throw new FormatException(given.file(), "the file", "is the first of " + count + " of a split model, of which "
                    + missing.size() + (missing.size() == 1 ? " is" : " are") + " missing: " + String.join(", ", missing.stream()
                    .limit(SHOWN).map(Path::toString).toList()) + (missing.size() > SHOWN ? ", ..." : "") + ". Download "
                    + (missing.size() == 1 ? "it" : "them") + " into the same folder");
        }
        for (int i = 1; i < count; i++) {
            GgufPart part = GgufPart.open(others.get(i - 1));
            parts.add(part);
            check(part, i, count);
        }
        checkTensors(parts);
    }

    private static void check(GgufPart part, int place, int count) {
        OptionalLong number = number(part, NUMBER);
        if (number.isEmpty() || number.getAsLong() != place) {
            throw new FormatException(part.file(), "metadata " + NUMBER, (number.isEmpty() ? "is missing"
                    : "is " + number.getAsLong()) + ", must be " + place + " in a file of this name: it is another file, renamed; "
                    + "download all " + count + " files of the model anew");
        }
        if (number(part, COUNT).orElse(count) != count) {
            throw new FormatException(part.file(), "metadata " + COUNT, "is " + number(part, COUNT).getAsLong() + ", but " + count
                    + " in the first file: the files are of different models; download all of one model");
        }
    }

    private static void checkTensors(List<GgufPart> parts) {
        Map<String, String> holders = new HashMap<>();
        for (GgufPart part : parts) {
            for (TensorInfo t : part.header().tensors()) {
                String other = holders.put(t.name(), part.file());
                if (other != null) {
                    throw new FormatException(part.file(), "tensor " + t.name(), "is in " + other
                            + " too: the files are of different models, or one is a copy of another; download all files of one model");
                }
            }
        }
        OptionalLong total = number(parts.getFirst(), TENSORS);
        if (total.isPresent() && total.getAsLong() != holders.size()) {
            throw new FormatException(parts.getFirst().file(), "metadata " + TENSORS, "is " + total.getAsLong() + ", but the "
                    + parts.size() + " files hold " + holders.size() + " tensors: they are of different models; download all of one model");
        }
    }

    private static int count(GgufPart part) {
        long count = number(part, COUNT).orElse(0);
        if (count < 0 || count > MOST) {
            throw new FormatException(part.file(), "metadata " + COUNT, "is " + count + ", must be from 0 to " + MOST);
        }
        return (int) count;
    }

    private static OptionalLong number(GgufPart part, String key) {
        return switch (part.header().metadata().entries().get(key)) {
            case null -> OptionalLong.empty();
            case GgufValue.Int i -> OptionalLong.of(i.value());
            case GgufValue v -> throw new FormatException(part.file(), "metadata " + key, "is " + v + ", must be an integer");
        };
    }

    private static String end(long number, int count) {
        return String.format(Locale.ROOT, "-%05d-of-%05d.gguf", number + 1, count);
    }

    /** A link that leads nowhere is there, and says so when it is opened. */
    private static boolean isThere(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }
}
