package io.jllm.cpu;

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.spi.Uncaught;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** What a JVM cannot do while a model is loaded comes to whoever loads it, from whichever thread, and to nobody else. */
@Isolated("reads the log, and what threads leave uncaught")
class LoadErrorsTest {
    @Test
    void anErrorWhileFilesAreReadReachesTheCallerAlone() {
        var error = new LinkageError("pretended");
        var path = (Path) Proxy.newProxyInstance(Path.class.getClassLoader(), new Class<?>[] {Path.class}, (_, method, _) -> {
            if (method.getName().equals("toString")) {
                return "a path that cannot be looked at";
            }
            throw error;
        });
        try (var _ = new Uncaught()) {
            assertSame(error, assertThrows(ModelLoadException.class, () -> LLM.load(path).backend("cpu").open()).getCause());
        }
    }
}
