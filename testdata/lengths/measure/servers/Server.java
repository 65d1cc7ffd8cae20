import java.io.*;
import java.net.*;
import java.nio.file.*;
import java.security.*;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.net.ssl.*;

/** Serves many identities with TLS 1.3: PORT CHAIN KEY AUTH, four arguments each. */
public class Server {
    public static void main(String[] args) throws Exception {
        for (int i = 0; i + 3 < args.length; i += 4) {
            SSLServerSocket socket = open(Integer.parseInt(args[i]), args[i + 1], args[i + 2], args[i + 3]);
            if (socket != null) {
                new Thread(() -> serve(socket)).start();
            }
        }
    }

    static SSLServerSocket open(int port, String chain, String key, String auth) throws Exception {
        KeyManager[] keys;
        try {
            keys = keys(chain, key);
        } catch (GeneralSecurityException e) {
            System.err.println(chain + ": " + e);
            return null;
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, auth.startsWith("/") ? trust(auth) : null, null);
        SSLServerSocket socket = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(port, 50, InetAddress.getLoopbackAddress());
        socket.setEnabledProtocols(new String[] {"TLSv1.3"});
        socket.setWantClientAuth(!auth.equals("-"));
        return socket;
    }

    static KeyManager[] keys(String chain, String key) throws Exception {
        Collection<? extends Certificate> certs = certificates(chain);
        String pem = Files.readString(Path.of(key)).replaceAll("-----[A-Z ]*-----", "").replaceAll("\\s", "");
        String algorithm = certs.iterator().next().getPublicKey().getAlgorithm();
        PrivateKey priv = KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(pem)));
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("server", priv, new char[0], certs.toArray(new Certificate[0]));
        KeyManagerFactory f = KeyManagerFactory.getInstance("PKIX");
        f.init(store, new char[0]);
        return f.getKeyManagers();
    }

    static TrustManager[] trust(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        int i = 0;
        for (Certificate c : certificates(file)) {
            store.setCertificateEntry("ca" + i++, c);
        }
        TrustManagerFactory f = TrustManagerFactory.getInstance("PKIX");
        f.init(store);
        return f.getTrustManagers();
    }

    static Collection<? extends Certificate> certificates(String file) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            return CertificateFactory.getInstance("X.509").generateCertificates(in);
        }
    }

    static void serve(SSLServerSocket socket) {
        while (true) {
            try (SSLSocket s = (SSLSocket) socket.accept()) {
                s.setSoTimeout(2000);
                s.startHandshake();
                s.getInputStream().read();
            } catch (IOException e) {
                // the client went away
            }
        }
    }
}
