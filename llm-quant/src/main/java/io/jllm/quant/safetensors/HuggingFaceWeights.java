package io.jllm.quant.safetensors;

import com.google.gson.stream.JsonReader;
import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * The tensors of a Hugging Face folder under GGUF's names: {@code model.safetensors}, or the shards that
 * {@code model.safetensors.index.json} names. Values are not changed: rows of q and k stand as the checkpoint has them, for
 * rotation by halves (NEOX), where GGUF files of the llama family have them for rotation by pairs.
 *
 * <p>Safe for use by many threads.
 */
public final class HuggingFaceWeights implements WeightSource {
    private static final String SINGLE = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private final Path dir;
    private final List<SafetensorsFile> files = new ArrayList<>();
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> unreadable = new HashMap<>();

    private HuggingFaceWeights(Path dir) {
        this.dir = dir;
    }

    /** {@link #open(Path, HuggingFaceNames)} with {@link HuggingFaceNames#LLAMA}. */
    public static HuggingFaceWeights open(Path dir) throws IOException {
        return open(dir, HuggingFaceNames.LLAMA);
    }

    /**
     * Maps the files of a folder.
     *
     * @param dir the folder
     * @param names how its family names things; names that it does not know are kept
     * @throws IOException if a file cannot be read
     * @throws FormatException if the folder holds no safetensors files, or one is broken or missing, or a tensor does not have the
     *     rows that {@code names} cuts it into
     */
    public static HuggingFaceWeights open(Path dir, HuggingFaceNames names) throws IOException {
        if (!Files.isDirectory(dir)) {
            throw new FormatException(dir.toString(), "the path", "is not a folder; one with " + SINGLE + " is wanted");
        }
        var open = new HuggingFaceWeights(dir);
        boolean done = false;
        try {
            if (Files.exists(dir.resolve(SINGLE))) {
                open.add(dir.resolve(SINGLE), Optional.empty(), names);
            } else if (Files.exists(dir.resolve(INDEX))) {
                for (var shard : index(dir).entrySet()) {
                    open.add(dir.resolve(shard.getKey()), Optional.of(shard.getValue()), names);
                }
            } else {
                throw new FormatException(dir.toString(), "the folder", "holds neither " + SINGLE + " nor " + INDEX
                        + "; weights in other formats, such as pytorch_model.bin, must be converted to safetensors first");
            }
            done = true;
            return open;
        } finally {
            if (!done) {
                open.close();
            }
        }
    }

    @Override
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    @Override
    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /**
     * {@inheritDoc}
     *
     * @throws FormatException if there is one of a type that cannot be read here
     */
    @Override
    public Tensor get(String name) {
        Tensor t = tensors.get(name);
        if (t == null) {
            throw new FormatException(dir.toString(), "tensor " + name, unreadable.getOrDefault(name, "is missing"));
        }
        return t;
    }

    /** {@inheritDoc} Closing twice does nothing. */
    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }

    /** The names of tensors by shard. */
    private static Map<String, Set<String>> index(Path dir) throws IOException {
        Path file = dir.resolve(INDEX);
        if (Files.size(file) > SafetensorsHeader.MAX_BYTES) {
            throw new FormatException(file.toString(), "the index", "has " + Files.size(file) + " bytes; the limit is "
                    + SafetensorsHeader.MAX_BYTES);
        }
        try (InputStream in = Files.newInputStream(file)) {
            return StrictJson.read(in, file.toString(), "the index", json -> shards(json, dir, file.toString()));
        }
    }

    private static Map<String, Set<String>> shards(JsonReader json, Path dir, String file) throws IOException {
        var shards = new TreeMap<String, Set<String>>();
        json.beginObject();
        while (json.hasNext()) {
            if (!json.nextName().equals("weight_map")) {
                json.skipValue();
                continue;
            }
            json.beginObject();
            while (json.hasNext()) {
                String tensor = json.nextName();
                String shard = StrictJson.string(json);
                Set<String> tensors = shards.get(shard);
                if (tensors == null) {
                    checkShard(dir, shard, file);
                    tensors = new LinkedHashSet<>();
                    shards.put(shard, tensors);
                }
                tensors.add(tensor);
            }
            json.endObject();
        }
        json.endObject();
        if (shards.isEmpty()) {
            throw new FormatException(file, "weight_map", "is missing or empty");
        }
        return shards;
    }

    /** A shard is a plain file name: an index must not reach outside its folder. Links inside it are the user's own. */
    private static void checkShard(Path dir, String shard, String file) {
        if (!shard.endsWith(".safetensors") || shard.chars().anyMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ')) {
            throw new FormatException(file, "weight_map", "names the shard \"" + shard
                    + "\", which must be the plain name of a .safetensors file");
        }
        if (!Files.isRegularFile(dir.resolve(shard))) {
            throw new FormatException(file, "weight_map", "names the shard " + shard + ", which is not in the folder");
        }
    }

    private void add(Path path, Optional<Set<String>> wanted, HuggingFaceNames names) throws IOException {
        SafetensorsFile file = SafetensorsFile.open(path);
        files.add(file);
        int seen = 0;
        for (SafetensorsFile.TensorInfo info : file.tensorInfos()) {
            if (wanted.isPresent() && !wanted.get().contains(info.name())) {
                continue;
            }
            seen++;
            add(path, names.resolve(info.name()), info, Optional.ofNullable(file.tensors().get(info.name())));
        }
        if (wanted.isPresent() && seen < wanted.get().size()) {
            var missing = new ArrayList<>(wanted.get());
            missing.removeAll(file.tensorInfos().stream().map(SafetensorsFile.TensorInfo::name).toList());
            throw new FormatException(path.toString(), "tensor " + missing.getFirst(), "is missing, though " + INDEX
                    + " says that it is here");
        }
    }

    private void add(Path path, HuggingFaceNames.Rule rule, SafetensorsFile.TensorInfo info, Optional<Tensor> tensor) {
        switch (rule) {
            case HuggingFaceNames.Rename r when tensor.isEmpty() -> unreadable(r.to(), info);
            case HuggingFaceNames.Rename r -> {
                Tensor t = tensor.get();
                put(path, info, new Tensor(r.to(), t.type(), t.rows(), t.cols(), t.data()));
            }
            case HuggingFaceNames.Split s when tensor.isEmpty() -> s.parts().forEach(p -> unreadable(p.to(), info));
            case HuggingFaceNames.Split s -> split(path, s, info, tensor.get());
        }
    }

    private void unreadable(String name, SafetensorsFile.TensorInfo info) {
        unreadable.put(name, "(" + info.name() + ") is of type " + info.dtype() + ", which cannot be read");
    }

    private void split(Path path, HuggingFaceNames.Split rule, SafetensorsFile.TensorInfo info, Tensor t) {
        boolean vector = info.shape().size() == 1;
        long rows = vector ? t.cols() : t.rows();
        if (rule.rows() != rows) {
            throw new FormatException(path.toString(), "tensor " + info.name(), "has " + rows + " rows, to be cut into "
                    + rule.parts().stream().map(p -> p.to() + " of " + p.rows()).toList());
        }
        long from = 0;
        for (HuggingFaceNames.Part p : rule.parts()) {
            if (vector) {
                MemorySegment part = t.data().asSlice(t.type().bytes(from), t.type().bytes(p.rows()));
                put(path, info, new Tensor(p.to(), t.type(), 1, p.rows(), part));
            } else {
                put(path, info, t.rows(p.to(), from, from + p.rows()));
            }
            from += p.rows();
        }
    }

    private void put(Path path, SafetensorsFile.TensorInfo info, Tensor t) {
        if (tensors.putIfAbsent(t.name(), t) != null) {
            throw new FormatException(path.toString(), "tensor " + info.name(), "becomes " + t.name() + ", which there is already");
        }
    }
}
