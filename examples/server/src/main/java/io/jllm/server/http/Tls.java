package io.jllm.server.http;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Keys and certificates of HTTPS, from files in PEM. */
public final class Tls {
    private static final Pattern KEY = Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "EdDSA");

    private Tls() {
    }

    /**
     * A server's side of TLS.
     *
     * @param certificates its own and those above it, in this order
     * @param key its private key, as PKCS #8 and without a password
     * @throws IllegalArgumentException if a file holds something else
     */
    public static SSLContext context(Path certificates, Path key) throws IOException {
        try (InputStream in = Files.newInputStream(certificates)) {
            Certificate[] chain = CertificateFactory.getInstance("X.509").generateCertificates(in).toArray(Certificate[]::new);
            if (chain.length == 0) {
                throw new IllegalArgumentException(certificates + " holds no certificate in PEM");
            }
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, new char[0]);
            PrivateKey own = privateKey(key);
            if (!belong(own, chain[0].getPublicKey())) {
                throw new IllegalArgumentException(key + " holds another key than that of the first certificate in " + certificates);
            }
            store.setKeyEntry("server", own, new char[0], chain);
            KeyManagerFactory managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            managers.init(store, new char[0]);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(managers.getKeyManagers(), null, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException(certificates + " and " + key + " are no certificate and key of a server: " + e.getMessage(), e);
        }
    }

    /** Whether the one signs what the other verifies: a server with two that do not belong together starts, and no client gets through to it. */
    private static boolean belong(PrivateKey own, PublicKey certified) throws GeneralSecurityException {
        if (!own.getAlgorithm().equals(certified.getAlgorithm())) {
            return false;
        }
        String method = switch (own.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> own.getAlgorithm();
        };
        byte[] words = {1, 2, 3};
        Signature signature = Signature.getInstance(method);
        signature.initSign(own);
        signature.update(words);
        byte[] signed = signature.sign();
        signature.initVerify(certified);
        signature.update(words);
        return signature.verify(signed);
    }

    private static PrivateKey privateKey(Path file) throws IOException, GeneralSecurityException {
        Matcher pem = KEY.matcher(Files.readString(file));
        if (!pem.find()) {
            throw new IllegalArgumentException(file + " holds no key as PKCS #8 without a password (BEGIN PRIVATE KEY): convert it by openssl pkcs8"
                    + " -topk8 -nocrypt -in " + file.getFileName() + " -out key.pem");
        }
        var spec = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1)));
        for (String algorithm : ALGORITHMS) {
            try {
                return KeyFactory.getInstance(algorithm).generatePrivate(spec);
            } catch (InvalidKeySpecException _) {
                // of another algorithm
            }
        }
        throw new IllegalArgumentException(file + " holds a key that is not one of " + String.join(", ", ALGORITHMS));
    }
}
