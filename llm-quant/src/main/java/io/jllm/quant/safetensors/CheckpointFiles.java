package io.jllm.quant.safetensors;

import io.jllm.quant.FormatException;
import io.jllm.quant.Tensor;
import io.jllm.quant.pytorch.PytorchFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The files of a folder that hold its tensors, and what is in them. Of several forms the first counts, as for transformers. */
final class CheckpointFiles implements AutoCloseable {
    private static final List<Form> FORMS = List.of(new Form("model.safetensors", "model.safetensors.index.json", ".safetensors"),
            new Form("pytorch_model.bin", "pytorch_model.bin.index.json", ".bin"));

    private final List<AutoCloseable> files = new ArrayList<>();
    private final List<CheckpointTensor> tensors = new ArrayList<>();

    /** A form in which folders hold tensors: all in one file, or in several of a kind, which an index names. */
    private record Form(String single, String index, String end) {
    }

    private CheckpointFiles() {
    }

    /**
     * Opens the files of a folder.
     *
     * @throws FormatException if there are none, or one is broken or missing
     */
    static CheckpointFiles open(Path dir) throws IOException {
        var open = new CheckpointFiles();
        boolean done = false;
        try {
            open.addAll(dir);
            done = true;
            return open;
        } finally {
            if (!done) {
                open.close();
            }
        }
    }

    /** All tensors, file by file, in their order. */
    List<CheckpointTensor> tensors() {
        return tensors;
    }

    /** Closing twice does nothing. */
    @Override
    public void close() {
        for (AutoCloseable file : files) {
            switch (file) {
                case SafetensorsFile f -> f.close();
                case PytorchFile f -> f.close();
                default -> throw new IllegalStateException(file.toString());
            }
        }
    }

    private void addAll(Path dir) throws IOException {
        for (Form form : FORMS) {
            if (isThere(dir.resolve(form.single))) {
                add(dir.resolve(form.single), form, Optional.empty());
                return;
            }
            if (isThere(dir.resolve(form.index))) {
                for (var shard : ShardIndex.read(dir, dir.resolve(form.index), form.end).entrySet()) {
                    add(dir.resolve(shard.getKey()), form, Optional.of(shard.getValue()));
                }
                return;
            }
        }
        throw noWeights(dir);
    }

    /** A link that leads nowhere is there, and says so when it is opened. */
    static boolean isThere(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    private void add(Path path, Form form, Optional<Set<String>> wanted) throws IOException {
        List<CheckpointTensor> all = form.end.equals(".bin") ? pytorch(path) : safetensors(path);
        List<CheckpointTensor> mine = all.stream().filter(t -> wanted.isEmpty() || wanted.get().contains(t.name())).toList();
        if (wanted.isPresent() && mine.size() < wanted.get().size()) {
            var missing = new ArrayList<>(wanted.get());
            missing.removeAll(all.stream().map(CheckpointTensor::name).toList());
            throw new FormatException(path.toString(), "tensor " + missing.getFirst(), "is missing, though " + form.index
                    + " says that it is here");
        }
        tensors.addAll(mine);
    }

    private List<CheckpointTensor> safetensors(Path path) throws IOException {
        SafetensorsFile file = SafetensorsFile.open(path);
        files.add(file);
        return file.tensorInfos().stream().map(t -> found(path, t.name(), t.dtype(), t.shape(), file.tensors())).toList();
    }

    private List<CheckpointTensor> pytorch(Path path) throws IOException {
        PytorchFile file = PytorchFile.open(path);
        files.add(file);
        return file.tensorInfos().stream().map(t -> found(path, t.name(), t.dtype(), t.shape(), file.tensors())).toList();
    }

    private static CheckpointTensor found(Path path, String name, String dtype, List<Long> shape, Map<String, Tensor> readable) {
        Optional<Tensor> tensor = Optional.ofNullable(readable.get(name));
        return new CheckpointTensor(path, name, dtype, shape, tensor.<CheckpointTensor.Values>map(CheckpointTensor.Plain::new)
                .orElseGet(CheckpointTensor.Unreadable::new));
    }

    private static FormatException noWeights(Path dir) throws IOException {
        List<String> names;
        try (var list = Files.list(dir)) {
            names = list.map(f -> String.valueOf(f.getFileName())).sorted().toList();
        }
        Form usual = FORMS.getFirst();
        Optional<String> gguf = names.stream().filter(f -> f.endsWith(".gguf")).findFirst();
        Optional<String> own = names.stream().filter(f -> f.matches("consolidated.*\\.(pth|pt|safetensors)") || f.endsWith(".pth")).findFirst();
        Optional<String> other = names.stream().filter(f -> f.endsWith(".safetensors")).findFirst();
        return new FormatException(dir.toString(), "the folder", "holds neither " + usual.single + " nor " + usual.index
                + (gguf.isPresent() ? "; to load a GGUF file in it, give the file, as " + dir.resolve(gguf.get())
                : own.isPresent() ? ", but " + own.get() + ", in its makers' own layout, which is not read: download the files that "
                + "transformers loads, or convert it with the script of transformers for this family"
                : other.isPresent() ? ", which says what is in " + other.get() + " and the like: download it too, or, if that file is "
                + "the whole model, name it " + usual.single
                : ", nor " + FORMS.getLast().single + "; weights in other formats must be converted to safetensors first"));
    }
}
