import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A step of the build behind {@link CompileKernels}, run in the same way: writes which kernels and constants stand in which file, so that only those
 * files are loaded that a model needs. The names of a file are those of all its kinds of images together; of a file that is neither a cubin nor PTX
 * nothing is written.
 *
 * <p>Argument: the folder of results. It gets {@code names.properties}, a line {@code FILE=NAME,NAME,...} for each file.
 */
final class IndexKernels {
    // Places in an ELF file of 64 bits, and in its sections and symbols.
    private static final int SECTIONS_AT = 0x28;
    private static final int SECTION_COUNT_AT = 0x3c;
    private static final int SECTION_BYTES = 64;
    private static final int SYMBOL_BYTES = 24;
    private static final int SYMBOL_TABLE = 2;
    private static final int DATA = 1;
    private static final int GLOBAL_FUNCTION = 0x12;

    private IndexKernels() {
    }

    public static void main(String[] args) throws IOException {
        Path results = Path.of(args[0]);
        var names = new TreeMap<String, Set<String>>();
        try (Stream<Path> files = Files.list(results)) {
            for (Path file : files.toList()) {
                String name = file.getFileName().toString();
                Set<String> its = new TreeSet<>();
                if (name.endsWith(".cubin")) {
                    addSymbols(Files.readAllBytes(file), its);
                } else if (name.endsWith(".ptx")) {
                    addDeclared(Files.readString(file, StandardCharsets.ISO_8859_1), its);
                }
                if (!its.isEmpty()) {
                    names.computeIfAbsent(name.substring(0, name.indexOf('.')), key -> new TreeSet<>()).addAll(its);
                }
            }
        }
        String text = names.entrySet().stream().map(IndexKernels::line).collect(Collectors.joining());
        Path index = results.resolve("names.properties");
        if (!Files.exists(index) || !Files.readString(index).equals(text)) {
            Files.writeString(index, text);
        }
    }

    private static String line(Map.Entry<String, Set<String>> file) {
        return file.getKey() + "=" + String.join(",", file.getValue()) + "\n";
    }

    /** Global functions and all data of an ELF file. */
    private static void addSymbols(byte[] image, Set<String> names) {
        String text = new String(image, StandardCharsets.ISO_8859_1);
        if (!text.startsWith("\177ELF")) {
            return;
        }
        ByteBuffer elf = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        int sections = (int) elf.getLong(SECTIONS_AT);
        for (int i = 0; i < Short.toUnsignedInt(elf.getShort(SECTION_COUNT_AT)); i++) {
            int s = sections + SECTION_BYTES * i;
            if (elf.getInt(s + 4) == SYMBOL_TABLE) {
                int strings = (int) elf.getLong(sections + SECTION_BYTES * elf.getInt(s + 40) + 24);
                int at = (int) elf.getLong(s + 24);
                for (int end = at + (int) elf.getLong(s + 32); at < end; at += SYMBOL_BYTES) {
                    int kind = elf.get(at + 4);
                    boolean defined = elf.getShort(at + 6) != 0;
                    if (defined && (kind == GLOBAL_FUNCTION || (kind & 0xf) == DATA)) {
                        int from = strings + elf.getInt(at);
                        names.add(text.substring(from, text.indexOf('\0', from)));
                    }
                }
            }
        }
    }

    /** Kernels and constants of PTX: {@code .entry NAME(}, {@code .const TYPE NAME[}. */
    private static void addDeclared(String ptx, Set<String> names) {
        addDeclared(ptx, ".entry ", '(', names);
        addDeclared(ptx, ".const ", '[', names);
    }

    private static void addDeclared(String ptx, String word, char behind, Set<String> names) {
        for (int at = ptx.indexOf(word); at >= 0; at = ptx.indexOf(word, at + 1)) {
            int end = ptx.indexOf(behind, at);
            if (end >= 0 && ptx.indexOf('\n', at) > end) {
                names.add(ptx.substring(ptx.lastIndexOf(' ', end) + 1, end));
            }
        }
    }
}
