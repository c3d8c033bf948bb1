package io.jllm.examples.deployment;

import io.jllm.demo.DemoModel;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The application as the build packed it. */
final class Application {
    static final String MAIN = Teller.class.getName();
    static final String MODULE = "io.jllm.examples.deployment";
    /** What the JVM says, and nobody can prevent, where the Vector API is switched on. */
    static final String INCUBATING = "WARNING: Using incubator modules: jdk.incubator.vector";

    private static final Path PACKAGES = Path.of(System.getProperty("jllm.packages", "target/packages")).toAbsolutePath();

    private Application() {
    }

    /** A model that any user may read. */
    static Path model() {
        return DemoModel.path();
    }

    /** A file that the build has made. */
    static Path packed(String name) {
        Path file = PACKAGES.resolve(name);
        if (!Files.exists(file)) {
            throw new IllegalStateException(file + " was not packed: run the tests with mvn verify");
        }
        return file;
    }

    /** The application's own jar and all that it stands on. */
    static List<Path> jars() {
        try (Stream<Path> files = Files.list(PACKAGES.getParent())) {
            Stream<Path> own = files.filter(f -> f.getFileName().toString().matches("deployment-.*\\.jar")).toList().stream();
            return Stream.concat(own, Stream.of(Files.readString(packed("class.path")).strip().split(File.pathSeparator)).map(Path::of)).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As a class path or module path. */
    static String path() {
        return jars().stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }

    /** Another copy of all classes, which sees none of ours. */
    static URLClassLoader loader(List<Path> classes) {
        return loader(classes, ClassLoader.getPlatformClassLoader());
    }

    static URLClassLoader loader(List<Path> classes, ClassLoader parent) {
        return new URLClassLoader("application", classes.stream().map(Application::url).toArray(URL[]::new), parent);
    }

    private static URL url(Path path) {
        try {
            return path.toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(path.toString(), e);
        }
    }

    /** What the application tells in a class loader, or throws. */
    static String tell(ClassLoader loader) throws Exception {
        return (String) loader.loadClass(MAIN).getMethod("tell", String.class).invoke(null, model().toString());
    }

    /** The text alone, of a line of the application. */
    static String text(String told) {
        return told.replaceFirst(" \\| .*", "");
    }
}
