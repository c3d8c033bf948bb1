package io.jllm.hub;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Hugging Face's hub: its API, and what it answers when something is not to be had. As {@code huggingface_hub} asks it. */
final class HuggingFace implements Repository {
    private static final Pattern NEXT = Pattern.compile("<([^>]+)>\\s*;\\s*rel=\"?next\"?");
    private static final String MAIN = "main";
    private static final int MOST_PAGES = 1000;
    /** More than that the hub serves only by a protocol of its own. */
    private static final long MOST_BYTES = 50_000_000_000L;
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int OK = 200;

    private final HubName name;
    private final HubSettings.Site site;
    private final Http http;
    private final HuggingFaceCache cache;

    HuggingFace(HubName name, HubSettings settings) {
        this.name = name;
        site = settings.huggingFace();
        http = new Http(site, site.token().map(t -> Map.of("Authorization", "Bearer " + t)).orElse(Map.of()), settings.timeout(),
                settings.retryDelay());
        cache = new HuggingFaceCache(site.cache(), name.id(), settings.links());
    }

    private String revision() {
        return name.revision().orElse(MAIN);
    }

    @Override
    public Http http() {
        return http;
    }

    @Override
    public Snapshot current() throws IOException, InterruptedException {
        Http.Page page = http.json(http.at("/api/models/" + name.id() + "/revision/" + encoded(revision())));
        check(page.status(), page.error());
        String commit = text(page.json(), "sha").filter(HuggingFaceCache::isCommit)
                .orElseThrow(() -> new HubException(site.endpoint() + " answers, but not as a hub: no commit of " + name + " in what it says"));
        return new Snapshot(commit, tree(commit));
    }

    private List<RemoteFile> tree(String commit) throws IOException, InterruptedException {
        var files = new ArrayList<RemoteFile>();
        Optional<URI> next = Optional.of(http.at("/api/models/" + name.id() + "/tree/" + commit + "?recursive=true&expand=false"));
        for (int pages = 0; next.isPresent() && pages < MOST_PAGES; pages++) {
            Http.Page page = http.json(next.get());
            check(page.status(), page.error());
            for (JsonElement e : page.json().filter(JsonElement::isJsonArray).map(JsonElement::getAsJsonArray).orElse(new JsonArray())) {
                if (e instanceof JsonObject o && text(Optional.of(o), "type").filter("file"::equals).isPresent()) {
                    files.add(file(o));
                }
            }
            URI here = next.get();
            next = page.link().map(NEXT::matcher).filter(Matcher::find).map(m -> here.resolve(m.group(1)));
        }
        return files;
    }

    private static RemoteFile file(JsonObject o) {
        Optional<JsonElement> lfs = Optional.ofNullable(o.get("lfs")).filter(JsonElement::isJsonObject);
        FileDigest digest = lfs.flatMap(l -> text(Optional.of(l), "oid")).map(oid -> new FileDigest(FileDigest.Kind.SHA256, oid))
                .or(() -> text(Optional.of(o), "oid").map(oid -> new FileDigest(FileDigest.Kind.GIT, oid)))
                .orElseThrow(() -> new HubException("the hub lists a file without a digest: " + o));
        JsonObject sized = lfs.map(JsonElement::getAsJsonObject).filter(l -> l.has("size")).orElse(o);
        return new RemoteFile(text(Optional.of(o), "path").orElse(""), number(sized, "size"), digest);
    }

    private static long number(JsonObject o, String key) {
        return Optional.ofNullable(o.get(key)).filter(v -> v instanceof JsonPrimitive p && p.isNumber()).map(JsonElement::getAsLong)
                .orElseThrow(() -> new HubException("the hub lists a file without a size: " + o));
    }

    private static Optional<String> text(Optional<JsonElement> json, String key) {
        return json.filter(JsonElement::isJsonObject).map(o -> o.getAsJsonObject().get(key))
                .filter(v -> v instanceof JsonPrimitive p && p.isString()).map(JsonElement::getAsString);
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    @Override
    public Optional<Snapshot> cached() throws IOException {
        Optional<String> commit = cache.commit(revision());
        return commit.isEmpty() ? Optional.empty() : Optional.of(new Snapshot(commit.get(), cache.files(commit.get())));
    }

    @Override
    public Path folder(Snapshot s) {
        return cache.snapshot(s.commit());
    }

    @Override
    public boolean has(Snapshot s, RemoteFile file) throws IOException {
        return cache.has(s.commit(), file);
    }

    @Override
    public void fetch(Snapshot s, RemoteFile file, Transfer transfer, Runnable waiting) throws IOException, InterruptedException {
        if (file.size() > MOST_BYTES) {
            throw new HubException(file.path() + " has " + file.size() + " bytes; files of more than " + MOST_BYTES
                    + " the hub serves by its own protocol only: fetch it with its tool, hf download " + name.id());
        }
        try (FileLocks lock = FileLocks.take(cache.lock(file), waiting)) {
            if (!Files.isRegularFile(cache.blob(file)) || Files.size(cache.blob(file)) != file.size()) {
                String path = Arrays.stream(file.path().split("/")).map(HuggingFace::encoded).collect(Collectors.joining("/"));
                transfer.fetch(file, http.at("/" + name.id() + "/resolve/" + s.commit() + "/" + path), cache.part(file, lock.isHeld()),
                        cache.blob(file), answer -> {
                            if (answer.first() == answer.last()) { // else a signature ran out, and the hub gives another
                                check(answer.status(), answer.header("X-Error-Code"));
                            }
                        });
            }
            cache.link(s.commit(), file);
        }
    }

    @Override
    public void done(Snapshot s) throws IOException {
        cache.refer(revision(), s.commit());
    }

    /** What is wrong, in a sentence; nothing if it is well. */
    private void check(int status, Optional<String> code) {
        if (status == OK) {
            return;
        }
        boolean known = site.token().isPresent();
        String who = known ? "the account of the token" : "nobody without a token";
        switch (code.orElse("")) {
            case "GatedRepo" -> throw new HubException(name + " is gated: accept its licence at " + site.endpoint() + "/" + name.id()
                    + (known ? " with the account that the token is of" : " and set HF_TOKEN to a token of that account"));
            case "RevisionNotFound" -> throw new HubException(name + ": the repository is there, but has no branch, tag or commit " + revision());
            case "EntryNotFound" -> throw new HubException(name + ": a file that was listed is no longer there: ask again");
            case "RepoNotFound" -> throw missing(who);
            default -> {
                if (status == NOT_FOUND || status == UNAUTHORIZED) {
                    throw missing(who);
                }
                throw new HubException(name + ": " + site.endpoint() + " answers with status " + status + (status == FORBIDDEN ? ", so "
                        + who + " may not read it" : "; ask again later"));
            }
        }
    }

    private HubException missing(String who) {
        return new HubException(name + ": there is no such repository at " + site.endpoint() + ", or it is private and " + who + " may read it"
                + (site.token().isPresent() ? "" : ": check the name, or set HF_TOKEN"));
    }
}
