package io.jllm.examples.cli.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.LLM;
import io.jllm.SamplingParams;
import io.jllm.demo.DemoModel;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Applications hear of too little memory by a ModelLoadException that tells its kinds apart, and may load another model then. */
class LibraryLimitsTest {
    private static final String LIMITED = "ulimit -v 1500000; MALLOC_ARENA_MAX=2 ";
    private static final String SMALL = " -Xmx200m -XX:CompressedClassSpaceSize=48m -XX:ReservedCodeCacheSize=64m ";

    @TempDir
    private Path folder;

    /** Loads models one after the other, and prints a line for each; before the one of a number, if told so, it fills the heap. */
    static final class Application {
        private static final int PIECE = 1 << 14;
        /** 0.75 MiB: far less than a model takes that has a vocabulary, and enough to say so. */
        private static final int PIECES_LEFT = 48;

        private Application() {
        }

        public static void main(String[] models) {
            for (int i = 0; i < models.length; i++) {
                var ballast = i == Integer.getInteger("fill", -1) ? fill() : new ArrayDeque<byte[]>();
                Object said;
                try (LLM llm = LLM.load(Path.of(models[i])).open()) {
                    said = llm.generate("Once", SamplingParams.builder().temperature(0).maxTokens(4).build()).tokenIds().length;
                } catch (Exception e) { // an Error is no answer
                    said = e;
                }
                ballast.clear(); // printing takes some of it
                System.out.println(said);
            }
        }

        private static ArrayDeque<byte[]> fill() {
            var ballast = new ArrayDeque<byte[]>();
            try {
                while (true) {
                    ballast.add(new byte[PIECE]);
                }
            } catch (OutOfMemoryError _) {
                for (int i = 0; i < PIECES_LEFT; i++) {
                    ballast.poll();
                }
            }
            return ballast;
        }
    }

    private List<String> load(String before, String options, String... models) throws Exception {
        Path arguments = Files.writeString(folder.resolve("arguments"), "-cp \"" + System.getProperty("java.class.path").replace("\\", "\\\\")
                + "\"");
        String command = "\"$JAVA_HOME/bin/java\" --enable-native-access=ALL-UNNAMED -XX:+UseSerialGC " + options + " @" + arguments.getFileName()
                + " '"
                + Application.class.getName() + "' " + String.join(" ", models);
        return Shell.in(folder).run(before + command).good().lines().toList();
    }

    private String demo() {
        return "'" + DemoModel.path() + "'";
    }

    /** The first load readies all classes: one whose own initialiser finds no memory is lost to a JVM for good, whoever's it is. */
    @Test
    void aHeapThatIsTooSmall() throws Exception {
        List<String> lines = load("", "-Xmx32m -Dfill=1", demo(), demo(), demo());
        assertEquals(3, lines.size(), lines.toString());
        assertEquals("4", lines.getFirst());
        assertTrue(lines.get(1).startsWith("io.jllm.ModelLoadException: ") && lines.get(1).contains("raise it with -Xmx"), lines.get(1));
        assertEquals("4", lines.getLast());
    }

    /** A file that there are not enough addresses for; it takes no room on the disk. */
    @Test
    void noAddressesForTheFile() throws Exception {
        assumeTrue(Shell.in(folder).run("ulimit -v 1000000").code() == 0 && !System.getProperty("os.name").startsWith("Mac"),
                "this system does not limit addresses");
        byte[] architecture = "general.architecture".getBytes(StandardCharsets.UTF_8);
        var header = ByteBuffer.allocate(128).order(ByteOrder.LITTLE_ENDIAN).put("GGUF".getBytes(StandardCharsets.UTF_8)).putInt(3).putLong(1)
                .putLong(1)
                .putLong(architecture.length).put(architecture).putInt(8).putLong(5).put("llama".getBytes(StandardCharsets.UTF_8))
                .putLong(1).put((byte) 't').putInt(1).putLong(800_000_000).putInt(0).putLong(0);
        try (var file = new RandomAccessFile(folder.resolve("m.gguf").toFile(), "rw")) {
            file.write(header.array());
            file.setLength(128 + 4 * 800_000_000L);
        }
        List<String> lines = load(LIMITED, SMALL, "m.gguf", demo());
        assertEquals(2, lines.size(), lines.toString());
        assertTrue(lines.getFirst().startsWith("io.jllm.ModelLoadException: ") && lines.getFirst()
                .contains("the system gives no more memory (Map failed)")
                && lines.getFirst().contains("ulimit -v") && !lines.getFirst().contains("raise it with -Xmx"), lines.getFirst());
        assertEquals("4", lines.getLast());
    }
}
