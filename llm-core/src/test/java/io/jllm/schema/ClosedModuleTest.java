package io.jllm.schema;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Records in a module of their own: what its module-info has to say is told. */
class ClosedModuleTest {
    @TempDir
    Path folder;

    private Class<?> load(String statement) throws Exception {
        Path sources = Files.createDirectories(folder.resolve("p"));
        Files.writeString(folder.resolve("module-info.java"), "module m { " + statement + " }");
        Files.writeString(sources.resolve("R.java"), "package p; public record R(int a) { }");
        var compiler = ToolProvider.getSystemJavaCompiler();
        assertEquals(0, compiler.run(null, null, null, "-proc:none", "-d", folder.resolve("out").toString(), folder.resolve("module-info.java").toString(),
                sources.resolve("R.java").toString()));
        var configuration = ModuleLayer.boot().configuration().resolve(ModuleFinder.of(folder.resolve("out")), ModuleFinder.of(), Set.of("m"));
        return ModuleLayer.defineModulesWithOneLoader(configuration, List.of(ModuleLayer.boot()), null).layer().findLoader("m").loadClass("p.R");
    }

    @Test
    void closed() throws Exception {
        Class<?> closed = load("");
        String message = assertThrows(UnsupportedTypeException.class, () -> JsonType.of(closed)).getMessage();
        assertTrue(message.contains("write \"opens p") && message.contains("in the module-info.java of m"), message);
    }

    @Test
    void open() throws Exception {
        assertEquals("R[a=1]", JsonType.of(load("opens p;")).read("{\"a\": 1}").toString());
    }
}
