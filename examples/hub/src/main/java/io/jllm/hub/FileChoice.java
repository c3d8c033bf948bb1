package io.jllm.hub;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The files of a repository that make up a model.
 *
 * @param files them
 * @param open which of them to open; empty if it is the folder
 */
record FileChoice(List<RemoteFile> files, Optional<String> open) {
    /** What llama.cpp takes where nothing is said. */
    private static final String USUAL = "Q4_K_M";
    private static final Pattern FOUR_BITS = Pattern.compile("(^|[-./])(UD-)?(I?Q4_|MXFP4)", Pattern.CASE_INSENSITIVE);
    private static final Pattern WEIGHTS = Pattern.compile(".+\\.safetensors");
    private static final Pattern TORCH = Pattern.compile("pytorch_model.*\\.bin");
    /** Mistral's second copy of the same weights. */
    private static final Pattern CONSOLIDATED = Pattern.compile("consolidated.*");
    private static final Pattern BESIDE = Pattern.compile(".+\\.(json|jinja|txt|tiktoken)|tokenizer\\.model");
    private static final String MORE_TEMPLATES = "additional_chat_templates/";

    /** Size of all. */
    long bytes() {
        return files.stream().mapToLong(RemoteFile::size).sum();
    }

    /**
     * Chooses.
     *
     * @param all files of the repository
     * @throws HubException if there is nothing to choose; the message says what there is
     */
    static FileChoice of(HubName name, List<RemoteFile> all) {
        List<Shards> models = Shards.of(all).stream().filter(Shards::isModel).toList();
        if (name.choice().isPresent()) {
            return gguf(chosen(name, name.choice().get(), models, all));
        }
        List<RemoteFile> folder = folder(all);
        if (!folder.isEmpty()) {
            return new FileChoice(folder, Optional.empty());
        }
        if (models.isEmpty()) {
            throw new HubException(name + " has no weights that can be loaded: neither *.gguf, nor *.safetensors or pytorch_model*.bin with"
                    + " config.json; it has " + listed(all));
        }
        return gguf(models.stream().filter(m -> m.says(USUAL)).findFirst()
                .or(() -> models.stream().filter(m -> FOUR_BITS.matcher(m.base()).find()).findFirst()).orElse(models.getFirst()));
    }

    private static FileChoice gguf(Shards model) {
        return new FileChoice(model.complete().files(), Optional.of(model.files().getFirst().path()));
    }

    private static Shards chosen(HubName name, String choice, List<Shards> models, List<RemoteFile> all) {
        if (choice.toLowerCase(Locale.ROOT).endsWith(".gguf")) {
            return Shards.of(all).stream().filter(m -> m.files().stream().anyMatch(f -> f.path().equals(choice))).findFirst()
                    .orElseThrow(() -> new HubException(name + ": the repository has no file " + choice + "; it has " + listed(all)));
        }
        return models.stream().filter(m -> m.says(choice)).min(Comparator.comparingInt(m -> m.base().length()))
                .orElseThrow(() -> new HubException(name + ": the repository has no GGUF file of " + choice + "; it has "
                        + (models.isEmpty() ? "none at all: leave it out, and the folder is taken"
                        : models.stream().map(m -> m.files().getFirst().name()).collect(Collectors.joining(", ")))));
    }

    /** What a folder of safetensors, or else of PyTorch's files, is loaded from; none if it is no such folder. */
    private static List<RemoteFile> folder(List<RemoteFile> all) {
        List<RemoteFile> root = all.stream().filter(RemoteFile::inRoot).toList();
        if (root.stream().noneMatch(f -> f.path().equals("config.json"))) {
            return List.of();
        }
        List<RemoteFile> weights = root.stream().filter(f -> WEIGHTS.matcher(f.path()).matches()).toList();
        List<RemoteFile> plain = weights.stream().filter(f -> !CONSOLIDATED.matcher(f.path()).matches()).toList();
        weights = plain.isEmpty() ? weights : plain;
        if (weights.isEmpty()) {
            weights = root.stream().filter(f -> TORCH.matcher(f.path()).matches()).toList();
        }
        if (weights.isEmpty()) {
            return List.of();
        }
        var beside = all.stream().filter(f -> BESIDE.matcher(f.path()).matches() && (f.inRoot() || f.path().startsWith(MORE_TEMPLATES)));
        return Stream.concat(beside, weights.stream()).toList();
    }

    private static String listed(List<RemoteFile> all) {
        int most = 20;
        return all.isEmpty() ? "no files" : all.stream().limit(most).map(RemoteFile::path).collect(Collectors.joining(", "))
                + (all.size() > most ? " and " + (all.size() - most) + " more" : "");
    }
}
