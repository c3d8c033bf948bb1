package io.jllm.quant.safetensors;

import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.WeightSource;
import io.jllm.quant.Weights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

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
    /** Tensors whose names fit no rule as they are spelled. */
    private final List<Found> others = new ArrayList<>();

    /** A tensor of a file; empty if its type cannot be read. */
    private record Found(Path path, SafetensorsFile.TensorInfo info, Optional<Tensor> tensor) {
    }

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
     * @param names how its family names things, with {@code model.} before the names or without it, and also below what wraps a model
     *     ({@code language_model.}, {@code module.} and their like); names that it does not know are kept
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
            if (isThere(dir.resolve(SINGLE))) {
                open.add(dir.resolve(SINGLE), Optional.empty(), names);
            } else if (isThere(dir.resolve(INDEX))) {
                for (var shard : ShardIndex.read(dir, dir.resolve(INDEX)).entrySet()) {
                    open.add(dir.resolve(shard.getKey()), Optional.of(shard.getValue()), names);
                }
            } else {
                throw noWeights(dir);
            }
            open.addOthers(names);
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
    public Optional<Weights> find(String name) {
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

    private static FormatException noWeights(Path dir) throws IOException {
        List<String> files;
        try (var list = Files.list(dir)) {
            files = list.map(f -> String.valueOf(f.getFileName())).sorted().toList();
        }
        Optional<String> gguf = files.stream().filter(f -> f.endsWith(".gguf")).findFirst();
        Optional<String> other = files.stream().filter(f -> f.endsWith(".safetensors")).findFirst();
        return new FormatException(dir.toString(), "the folder", "holds neither " + SINGLE + " nor " + INDEX
                + (gguf.isPresent() ? "; to load a GGUF file in it, give the file, as " + dir.resolve(gguf.get())
                : other.isPresent() ? ", which says what is in " + other.get() + " and the like: download it too, or, if that file is "
                + "the whole model, name it " + SINGLE
                : "; weights in other formats, such as pytorch_model.bin, must be converted to safetensors first"));
    }

    /** A link that leads nowhere is there, and says so when it is opened. */
    static boolean isThere(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
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
            Optional<Tensor> tensor = Optional.ofNullable(file.tensors().get(info.name()));
            if (names.knows(info.name())) {
                add(path, names.resolve(info.name()), info, tensor);
            } else {
                others.add(new Found(path, info, tensor));
            }
        }
        if (wanted.isPresent() && seen < wanted.get().size()) {
            var missing = new ArrayList<>(wanted.get());
            missing.removeAll(file.tensorInfos().stream().map(SafetensorsFile.TensorInfo::name).toList());
            throw new FormatException(path.toString(), "tensor " + missing.getFirst(), "is missing, though " + INDEX
                    + " says that it is here");
        }
    }

    /** Adds those that are spelled otherwise, unless there is a tensor that is spelled as it should be; the rest under their own names. */
    private void addOthers(HuggingFaceNames names) {
        var taken = new HashSet<>(tensors.keySet());
        taken.addAll(unreadable.keySet());
        for (Found f : others) {
            HuggingFaceNames.Rule own = new HuggingFaceNames.Rename(f.info().name(), f.info().name());
            add(f.path(), names.resolveRespelled(f.info().name()).filter(rule -> switch (rule) {
                case HuggingFaceNames.Rename r -> !taken.contains(r.to());
                case HuggingFaceNames.Split s -> s.parts().stream().noneMatch(p -> taken.contains(p.to()));
            }).orElse(own), f.info(), f.tensor());
        }
        others.clear();
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
