package io.jllm.hub;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * ModelScope: its API, and its cache, where files lie plainly: {@code models/OWNER--NAME/snapshots/REVISION}, before version 1.38 of its library
 * {@code hub/models/OWNER/NAME} with three underscores for each dot of the name.
 */
final class ModelScope implements Repository {
    private static final String MASTER = "master";
    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    /** What has no digest in the list has a name, by which it is locked. */
    private static final String UNKNOWN = "unknown";

    private final HubName name;
    private final HubSettings.Site site;
    private final Http http;

    ModelScope(HubName name, HubSettings settings) {
        this.name = name;
        site = settings.modelScope();
        http = new Http(site, site.token().map(t -> Map.of("Authorization", "Bearer " + t, "Cookie", "m_session_id=" + t)).orElse(Map.of()),
                settings.timeout(), settings.retryDelay());
    }

    private String revision() {
        return name.revision().orElse(MASTER);
    }

    @Override
    public Http http() {
        return http;
    }

    @Override
    public Snapshot current() throws IOException, InterruptedException {
        Http.Page page = http.json(http.at("/api/v1/models/" + name.id() + "/repo/files?Revision=" + encoded(revision()) + "&Recursive=True"));
        Optional<JsonObject> json = page.json().filter(JsonElement::isJsonObject).map(JsonElement::getAsJsonObject);
        int code = json.map(o -> o.get("Code")).filter(c -> c instanceof JsonPrimitive p && p.isNumber()).map(JsonElement::getAsInt)
                .orElse(page.status());
        check(page.status() == OK ? code : page.status());
        var files = new ArrayList<RemoteFile>();
        json.map(o -> o.get("Data")).filter(JsonElement::isJsonObject).map(d -> d.getAsJsonObject().get("Files")).filter(JsonElement::isJsonArray)
                .orElseThrow(() -> new HubException(site.endpoint() + " answers, but not as a hub: no files of " + name + " in what it says"))
                .getAsJsonArray().forEach(e -> {
                    if (e instanceof JsonObject o && !text(o, "Type").equals("tree")) {
                        files.add(file(o));
                    }
                });
        return new Snapshot(revision(), files);
    }

    private static RemoteFile file(JsonObject o) {
        String sha = text(o, "Sha256");
        JsonElement size = o.get("Size");
        if (!(size instanceof JsonPrimitive p && p.isNumber())) {
            throw new HubException("the hub lists a file without a size: " + o);
        }
        return new RemoteFile(text(o, "Path"), size.getAsLong(),
                sha.isEmpty() ? new FileDigest(FileDigest.Kind.NONE, UNKNOWN) : new FileDigest(FileDigest.Kind.SHA256, sha));
    }

    private static String text(JsonObject o, String key) {
        return o.get(key) instanceof JsonPrimitive p && p.isString() ? p.getAsString() : "";
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private Path own() {
        return site.cache().resolve("models").resolve(name.id("--")).resolve("snapshots").resolve(revision());
    }

    /** Where the library of today or of yesterday put it; the first of them that is there. */
    private Optional<Path> there() {
        int slash = name.id().indexOf('/');
        String old = name.id().substring(0, slash + 1) + name.id().substring(slash + 1).replace(".", "___");
        return Stream.of(own(), site.cache().resolve("hub/models").resolve(old), site.cache().resolve("models").resolve(old))
                .filter(Files::isDirectory).findFirst();
    }

    @Override
    public Optional<Snapshot> cached() throws IOException {
        Optional<Path> folder = there();
        return folder.isEmpty() ? Optional.empty() : Optional.of(new Snapshot(revision(), HuggingFaceCache.files(folder.get())));
    }

    @Override
    public Path folder(Snapshot s) {
        return there().orElse(own());
    }

    @Override
    public boolean has(Snapshot s, RemoteFile file) throws IOException {
        Path path = folder(s).resolve(file.path());
        return Files.isRegularFile(path) && Files.size(path) == file.size();
    }

    @Override
    public void fetch(Snapshot s, RemoteFile file, Transfer transfer, Runnable waiting) throws IOException, InterruptedException {
        Path target = folder(s).resolve(file.path());
        Files.createDirectories(target.getParent());
        Path lock = site.cache().resolve(".lock").resolve(name.id("--") + "--" + file.path().replace("/", "--") + ".jllm.lock");
        try (FileLocks held = FileLocks.take(lock, waiting)) {
            if (!has(s, file)) {
                String part = file.name() + (held.isHeld() ? "" : "." + UUID.randomUUID().toString().substring(0, 8)) + ".jllm.incomplete";
                transfer.fetch(file, http.at("/api/v1/models/" + name.id() + "/repo?Revision=" + encoded(revision()) + "&FilePath="
                        + encoded(file.path())), target.resolveSibling(part), target, answer -> {
                            if (answer.first() == answer.last()) {
                                check(answer.status());
                            }
                        });
            }
        }
    }

    @Override
    public void done(Snapshot s) {
        // the folder says it all
    }

    private void check(int status) {
        boolean known = site.token().isPresent();
        switch (status) {
            case OK -> {
            }
            case NOT_FOUND, UNAUTHORIZED -> throw new HubException(name + ": there is no such repository or revision " + revision() + " at "
                    + site.endpoint() + ", or it is private and " + (known ? "the account of the token" : "nobody without a token") + " may read it"
                    + (known ? "" : ": check the name, or set MODELSCOPE_API_TOKEN"));
            case FORBIDDEN -> throw new HubException(name + " is gated: ask for access at " + site.endpoint() + "/models/" + name.id()
                    + (known ? " with the account that the token is of" : " and set MODELSCOPE_API_TOKEN to a token of that account"));
            default -> throw new HubException(name + ": " + site.endpoint() + " answers with status " + status + "; ask again later");
        }
    }
}
