package io.jllm.cpu.machine.asm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.cpu.machine.asm.Instructions.Case;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AssemblerTest {
    /** Writes the table anew. */
    public static void main(String[] a) throws Exception {
        Files.write(Path.of(a[0]), CASES.stream().map(AssemblerTest::line).toList());
    }
    private static final List<Case> CASES = Instructions.all();
    private static final String TABLE = "instructions.txt";

    /** What GNU as 2.40 made of the same instructions, a line for each: the bytes, and the text. */
    @Test
    void sameBytesAsTheTable() throws IOException {
        try (var in = AssemblerTest.class.getResourceAsStream(TABLE)) {
            List<String> table = new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().toList();
            assertEquals(table, CASES.stream().map(AssemblerTest::line).toList());
        }
    }

    private static String line(Case c) {
        byte[] code = c.code();
        // Long fillings are the same byte again and again.
        String hex = HexFormat.of().formatHex(code);
        return (code.length <= 32 ? hex : hex.replaceAll("(c3){8,}", "c3..")) + " " + c.text();
    }

    @Test
    void sameBytesAsGnuAs(@TempDir Path folder) throws IOException, InterruptedException {
        Assumptions.assumeTrue(installed("as") && installed("objcopy"), "skipped: GNU as and objcopy are not installed");
        byte[] want = assemble(folder, CASES.stream().map(Case::text).toList());
        var got = new ByteArrayOutputStream();
        for (Case c : CASES) {
            byte[] here = Arrays.copyOfRange(want, got.size(), Math.min(want.length, got.size() + c.code().length));
            assertArrayEquals(here, c.code(), () -> c.text() + ": " + HexFormat.of().formatHex(c.code()) + " instead of "
                    + HexFormat.of().formatHex(here));
            got.write(c.code());
        }
        assertEquals(want.length, got.size());
    }

    static boolean installed(String tool) throws InterruptedException {
        try {
            return new ProcessBuilder(tool, "--version").redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor()
                    == 0;
        } catch (IOException _) {
            return false;
        }
    }

    private static byte[] assemble(Path folder, List<String> lines) throws IOException, InterruptedException {
        Path source = folder.resolve("all.s");
        Files.writeString(source, lines.stream().collect(Collectors.joining("\n", ".intel_syntax noprefix\n", "\n")));
        run(folder, "as", "--64", "-o", "all.o", "all.s");
        run(folder, "objcopy", "-O", "binary", "-j", ".text", "all.o", "all.bin");
        return Files.readAllBytes(folder.resolve("all.bin"));
    }

    private static void run(Path folder, String... command) throws IOException, InterruptedException {
        Process p = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
        String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, p.waitFor(), said);
    }

    @Test
    void refusesWhatItCannotEncode() {
        var a = new Assembler();
        assertThrows(IllegalArgumentException.class, () -> a.emit(Simd.VPSIGNB, Vec.ymm(1), Vec.ymm(16), Vec.ymm(2)));
        assertThrows(IllegalArgumentException.class, () -> a.emit(Simd.VPADDD, Vec.zmm(1), Vec.zmm(2)));
        assertThrows(IllegalArgumentException.class, () -> a.emit(Simd.VMOVUPS, Vec.zmm(1), Vec.zmm(2), Vec.zmm(3)));
        assertThrows(IllegalArgumentException.class, () -> a.kmovw(1, Gpr.R9));
        assertThrows(IllegalArgumentException.class, () -> Mem.at(Gpr.RAX, Gpr.RSP, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> Mem.at(Gpr.RAX, Gpr.RBX, 3, 0));
        assertThrows(IllegalArgumentException.class, () -> Vec.zmm(32));
        assertThrows(IllegalStateException.class, () -> new Label().at());
        var label = new Label();
        a.bind(label);
        assertThrows(IllegalStateException.class, () -> a.bind(label));
        assertTrue(a.size() == 0, "nothing was written");
    }
}
