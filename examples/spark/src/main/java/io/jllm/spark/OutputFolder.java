package io.jllm.spark;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/** A folder of answers, in any file system that Spark writes to. A file in it, which readers of the answers pass over, says whose it is. */
final class OutputFolder {
    private static final String CLAIM = "_jllm.json";

    private final Path folder;
    private final FileSystem files;

    OutputFolder(SparkSession spark, String path) {
        folder = new Path(path);
        try {
            files = folder.getFileSystem(spark.sparkContext().hadoopConfiguration());
        } catch (IOException e) {
            throw new UncheckedIOException(path + " cannot be reached: " + e, e);
        }
    }

    /**
     * Makes the folder, or finds it as a run of the same kind left it.
     *
     * @throws IllegalArgumentException if it holds other answers, or something else
     */
    void claim(JsonObject claim) {
        Path file = new Path(folder, CLAIM);
        try {
            if (files.exists(file)) {
                compare(claim, read(file));
                return;
            }
            if (files.exists(folder) && files.listStatus(folder).length > 0) {
                throw new IllegalArgumentException(folder + " is there and holds no answers of this program: name another folder");
            }
            files.mkdirs(folder);
            try (FSDataOutputStream out = files.create(file, false)) {
                out.write(claim.toString().getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be made ready: " + e, e);
        }
    }

    private JsonObject read(Path file) throws IOException {
        try (FSDataInputStream in = files.open(file)) {
            return Parameters.object(new String(in.readAllBytes(), StandardCharsets.UTF_8), file + " is");
        }
    }

    private void compare(JsonObject now, JsonObject before) {
        for (Map.Entry<String, JsonElement> e : now.entrySet()) {
            if (!e.getValue().equals(before.get(e.getKey()))) {
                throw new IllegalArgumentException(folder + " was begun with " + e.getKey() + " " + before.get(e.getKey()) + ", and this run has "
                        + e.getValue() + ": name another folder, or go on with what it was begun with");
            }
        }
    }
}
