package io.jllm.spark;

import io.jllm.demo.DemoModel;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;

/** A cluster of this machine: a worker each executor, which are processes of their own with small heaps, and the driver in this JVM. */
final class TestCluster {
    private TestCluster() {
    }

    /** The folder that Spark starts executors from, which the build names, filled with the jars that the tests run with. */
    private static Path home() throws IOException {
        Path folder = Path.of(Objects.requireNonNull(System.getenv("SPARK_HOME"), "SPARK_HOME names a folder to be made; the build sets it"));
        Path jars = Files.createDirectories(folder.resolve("jars"));
        Files.writeString(folder.resolve("RELEASE"), "of the tests' class path\n");
        for (Path jar : classPath().filter(Files::isRegularFile).distinct().toList()) {
            if (!Files.exists(jars.resolve(jar.getFileName()))) {
                Files.createSymbolicLink(jars.resolve(jar.getFileName()), jar);
            }
        }
        return folder;
    }

    private static Stream<Path> classPath() {
        String path = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        return Stream.of(path.split(File.pathSeparator)).filter(p -> !p.isEmpty()).map(p -> Path.of(p).toAbsolutePath());
    }

    /**
     * A session with the demo model.
     *
     * @param master where executors run
     * @param folder a folder for what Spark writes
     * @param threads of each engine
     */
    static SparkSession.Builder session(String master, Path folder, int threads) throws IOException {
        String folders = classPath().filter(Files::isDirectory).map(Path::toString).collect(Collectors.joining(File.pathSeparator));
        return SparkSession.builder().master(master).appName("jLLM").config("spark.home", home().toString())
                .config("spark.executor.extraClassPath", folders)
                .config("spark.executorEnv.JAVA_HOME", System.getProperty("java.home"))
                .config("spark.executorEnv.SPARK_SCALA_VERSION", "2.13") // as Spark's scripts say it
                .config("spark.executor.extraJavaOptions", String.join(" ", List.of("--add-modules", "jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")))
                .config("spark.executor.memory", "512m")
                .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.ui.enabled", false)
                .config("spark.log.level", "WARN")
                .config("spark.sql.codegen.wholeStage", false) // which takes longer to compile than these few rows to compute
                .config("spark.local.dir", Files.createDirectories(folder.resolve("local")).toString())
                .config("spark.sql.warehouse.dir", folder.resolve("warehouse").toString())
                .config("spark.sql.shuffle.partitions", 4)
                .config("spark.plugins", JllmPlugin.class.getName())
                .config("spark.jllm.model", DemoModel.path().toString())
                .config("spark.jllm.threads", threads);
    }
}
