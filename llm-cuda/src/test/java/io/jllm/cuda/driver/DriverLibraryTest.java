package io.jllm.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.MethodRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

class DriverLibraryTest {
    /** A function that is called but not looked for would fail in an initialiser, on somebody's old driver. */
    @Test
    void everyFunctionThatIsCalledIsLookedFor() throws Exception {
        Path classes = Path.of(Driver.class.getProtectionDomain().getCodeSource().getLocation().toURI()).resolve("io/jllm/cuda/driver");
        Assumptions.assumeTrue(Files.isDirectory(classes), "skipped: the classes are in a jar here");
        var called = new TreeSet<String>();
        try (Stream<Path> files = Files.list(classes)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
                called.addAll(calls(file));
            }
        }
        assertEquals(new TreeSet<>(DriverLibrary.FUNCTIONS), called);
    }

    /** Classes of bindings are named by those who generate them. */
    @Test
    void everyFunctionHasAClassThatBindsIt() throws Exception {
        for (String function : DriverLibrary.FUNCTIONS) {
            assertNotNull(Class.forName(DriverLibrary.binding(function), false, Driver.class.getClassLoader()));
        }
    }

    private static TreeSet<String> calls(Path file) throws IOException {
        var found = new TreeSet<String>();
        for (PoolEntry e : ClassFile.of().parse(file).constantPool()) {
            if (e instanceof MethodRefEntry m && m.owner().asInternalName().equals("io/jllm/cuda/ffi/CudaDriver") && m.name().stringValue()
                    .startsWith("cu")) {
                found.add(m.name().stringValue());
            }
        }
        return found;
    }
}
