"""Words for venues as services, reference lists and people write them: recognised rightly, or left to a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveykit.load import load_catalog
from surveykit.venue_names import Appearance, VenueNames

MEANT = """
neurips
    Advances in Neural Information Processing Systems 36
    Advances in Neural Information Processing Systems, volume 33, pages 1877--1901
    Advances in Neural Information Processing Systems 35: Annual Conference on Neural Information Processing Systems 2022, NeurIPS 2022, New Orleans, LA, USA, November 28 - December 9, 2022
    Thirty-seventh Conference on Neural Information Processing Systems
    The Thirty-eighth Annual Conference on Neural Information Processing Systems
    Thirty-seventh Conference on Neural Information Processing Systems Datasets and Benchmarks Track
    NeurIPS 2023 Datasets and Benchmarks Poster
    NeurIPS 2024 Track Datasets and Benchmarks Poster
    Proceedings of the Neural Information Processing Systems Track on Datasets and Benchmarks
    Neural Information Processing Systems
    NeurIPS'23 Spotlight
    NeurIPS 2022 Accept
    NeurIPS 2023 poster
    NeurIPS 2023 oral
    NeurIPS, 2021
    (NeurIPS 2022)
    NIPS
    NIPS 2017
    In NeurIPS
    To appear at NeurIPS 2023
    To appear @ NeurIPS 2023
    Adv. Neural Inf. Process. Syst.
    in Proc. Adv. Neural Inf. Process. Syst., vol. 34
icml
    Proceedings of the 40th International Conference on Machine Learning
    Proceedings of the 38th International Conference on Machine Learning, PMLR 139:8748-8763, 2021
    International Conference on Machine Learning, ICML 2023, 23-29 July 2023, Honolulu, Hawaii, USA
    International Conference on Machine Learning (ICML)
    Forty-first International Conference on Machine Learning
    Proceedings of the Thirty-Ninth International Conference on Machine Learning (ICML 2022)
    ICML2021
    ICML 2024 Oral
    ICML'22 (long talk)
    Proc. Int. Conf. Mach. Learn. (ICML)
    Proc. 37th Int. Conf. Mach. Learn.
    accepted by ICML 2025
iclr
    The Eleventh International Conference on Learning Representations, ICLR 2023, Kigali, Rwanda, May 1-5, 2023
    The Twelfth International Conference on Learning Representations
    ICLR 2023 poster
    ICLR 2023 notable top 25%
    ICLR 2022 Conference
    ICLR (Poster)
    8th International Conference on Learning Representations, ICLR 2020
    Published as a conference paper at ICLR 2024
    International Conference on Learning Representations, 2021
    Proc. Int. Conf. Learn. Represent.
    ICLR ’25
aistats
    International Conference on Artificial Intelligence and Statistics, AISTATS 2023, 25-27 April 2023, Palau de Congressos, Valencia, Spain
    Proceedings of The 27th International Conference on Artificial Intelligence and Statistics
    AISTATS
    AISTATS 2024
    Proc. Int. Conf. Artif. Intell. Statist.
acml
    Asian Conference on Machine Learning
    Asian Conference on Machine Learning, ACML 2022, 12-14 December 2022, Hyderabad, India
    ACML 2021
icmla
    2022 21st IEEE International Conference on Machine Learning and Applications (ICMLA)
    ICMLA
ijcnn
    2021 International Joint Conference on Neural Networks (IJCNN)
    International Joint Conference on Neural Networks, IJCNN 2022, Padua, Italy, July 18-23, 2022
    Proc. Int. Joint Conf. Neural Netw.
icann
    Artificial Neural Networks and Machine Learning - ICANN 2023 - 32nd International Conference on Artificial Neural Networks, Heraklion, Crete, Greece, September 26-29, 2023, Proceedings, Part I
    ICANN (3)
iconip
    Neural Information Processing - ICONIP 2021 - 28th International Conference, Sanur, Bali, Indonesia, December 8-12, 2021, Proceedings, Part II
aies
    AIES '22: AAAI/ACM Conference on AI, Ethics, and Society, Oxford, United Kingdom, May 19 - 21, 2021
    Proceedings of the 2023 AAAI/ACM Conference on AI, Ethics, and Society
    AIES
aaai
    Proceedings of the AAAI Conference on Artificial Intelligence
    Thirty-Sixth AAAI Conference on Artificial Intelligence, AAAI 2022, Thirty-Fourth Conference on Innovative Applications of Artificial Intelligence, IAAI 2022, The Twelveth Symposium on Educational Advances in Artificial Intelligence, EAAI 2022 Virtual Event, February 22 - March 1, 2022
    Thirty-Seventh AAAI Conference on Artificial Intelligence, AAAI 2023, Thirty-Fifth Conference on Innovative Applications of Artificial Intelligence, IAAI 2023, Thirteenth Symposium on Educational Advances in Artificial Intelligence, EAAI 2023, Washington, DC, USA, February 7-14, 2023
    AAAI-22
    AAAI 2024 (Oral)
    Proc. AAAI Conf. Artif. Intell.
    AAAI Conference on Artificial Intelligence
    Proceedings of the AAAI Conference on Artificial Intelligence, volume 35, AAAI Press
ijcai
    Proceedings of the Thirty-First International Joint Conference on Artificial Intelligence, IJCAI 2022, Vienna, Austria, 23-29 July 2022
    Proceedings of the Twenty-Ninth International Joint Conference on Artificial Intelligence
    IJCAI-PRICAI 2020
    IJCAI
    International Joint Conference on Artificial Intelligence (IJCAI-23)
kdd
    Proceedings of the 28th ACM SIGKDD Conference on Knowledge Discovery and Data Mining
    Proceedings of the 31st ACM SIGKDD Conference on Knowledge Discovery and Data Mining V.1
    KDD '22: The 28th ACM SIGKDD Conference on Knowledge Discovery and Data Mining, Washington, DC, USA, August 14 - 18, 2022
    ACM SIGKDD International Conference on Knowledge Discovery & Data Mining
    KDD (1)
    SIGKDD 2023
cikm
    Proceedings of the 31st ACM International Conference on Information & Knowledge Management
    CIKM '22
    Proceedings of the 34th ACM International Conference on Information and Knowledge Management, CIKM 2025, Seoul, Republic of Korea, November 10-14, 2025
wsdm
    Proceedings of the Fifteenth ACM International Conference on Web Search and Data Mining
www
    Proceedings of the ACM Web Conference 2023
    Proceedings of the ACM Web Conference 2024, WWW 2024, Singapore, May 13-17, 2024
    WWW '22: The ACM Web Conference 2022, Virtual Event, Lyon, France, April 25 - 29, 2022
    The Web Conference 2021
    TheWebConf 2020
sigir
    Proceedings of the 46th International ACM SIGIR Conference on Research and Development in Information Retrieval
    SIGIR
    SIGIR'23
sigir-ap
    Proceedings of the 2024 Annual International ACM SIGIR Conference on Research and Development in Information Retrieval in the Asia Pacific Region, SIGIR-AP
ecir
    Advances in Information Retrieval - 45th European Conference on Information Retrieval, ECIR 2023, Dublin, Ireland, April 2-6, 2023, Proceedings, Part I
    Advances in Information Retrieval
facct
    2022 ACM Conference on Fairness, Accountability, and Transparency
    FAccT '22: 2022 ACM Conference on Fairness, Accountability, and Transparency, Seoul, Republic of Korea, June 21 - 24, 2022
    FAT* 2020
colm
    First Conference on Language Modeling
    COLM 2024
cvpr
    2023 IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)
    Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition
    IEEE/CVF Conference on Computer Vision and Pattern Recognition, CVPR 2023, Vancouver, BC, Canada, June 17-24, 2023
    IEEE Conference on Computer Vision and Pattern Recognition
    Conference on Computer Vision and Pattern Recognition
    Computer Vision and Pattern Recognition
    CVPR
    CVPR'24
    CVPR24
    CVPR 2024 (Oral)
    CVPR 2024 Highlight
    CVPR 2024, Seattle
    CVPR 2023 (Highlight, top 10%)
    In: CVPR (2022)
    in Proc. IEEE/CVF Conf. Comput. Vis. Pattern Recognit. (CVPR), Jun. 2022, pp. 1-10
    Proc. IEEE Conf. Comput. Vis. Pattern Recognit.
    IEEE CVPR 2021
    {CVPR}
    cvpr 2022
iccv
    2021 IEEE/CVF International Conference on Computer Vision (ICCV)
    Proceedings of the IEEE/CVF International Conference on Computer Vision
    IEEE/CVF International Conference on Computer Vision, ICCV 2023, Paris, France, October 1-6, 2023
    International Conference on Computer Vision
    ICCV2023 Oral
    Proc. IEEE Int. Conf. Comput. Vis. (ICCV)
eccv
    Computer Vision – ECCV 2022
    Computer Vision - ECCV 2022 - 17th European Conference, Tel Aviv, Israel, October 23-27, 2022, Proceedings, Part V
    ECCV (4)
    European Conference on Computer Vision
    Computer Vision – ECCV 2024. Lecture Notes in Computer Science, vol 15100
    Proc. Eur. Conf. Comput. Vis.
wacv
    2022 IEEE/CVF Winter Conference on Applications of Computer Vision (WACV)
    WACV
bmvc
    33rd British Machine Vision Conference 2022, BMVC 2022, London, UK, November 21-24, 2022
    British Machine Vision Conference (BMVC)
accv
    Computer Vision - ACCV 2022 - 16th Asian Conference on Computer Vision, Macao, China, December 4-8, 2022, Proceedings, Part VII
icip
    2022 IEEE International Conference on Image Processing (ICIP)
acm-mm
    Proceedings of the 30th ACM International Conference on Multimedia
    MM '22: The 30th ACM International Conference on Multimedia, Lisboa, Portugal, October 10 - 14, 2022
    ACM Multimedia
    ACM MM 2024
    ACM Multimedia 2023
    ACM MM'23 (Oral)
    ACM Multimedia Conference
acm-mm-asia
    MMAsia '23: ACM Multimedia Asia, Tainan, Taiwan, December 6 - 8, 2023
    Proceedings of the 5th ACM International Conference on Multimedia in Asia
    ACM Multimedia Asia 2023
icmr
    Proceedings of the 2022 International Conference on Multimedia Retrieval
    ICMR '22: International Conference on Multimedia Retrieval, Newark, NJ, USA, June 27 - 30, 2022
icme
    2022 IEEE International Conference on Multimedia and Expo (ICME)
    IEEE International Conference on Multimedia and Expo, ICME 2023, Brisbane, Australia, July 10-14, 2023
icassp
    ICASSP 2023 - 2023 IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)
    IEEE International Conference on Acoustics, Speech and Signal Processing, ICASSP 2022, Virtual and Singapore, 23-27 May 2022
    Proc. IEEE Int. Conf. Acoust., Speech Signal Process. (ICASSP)
interspeech
    Interspeech 2022
    INTERSPEECH
miccai
    Medical Image Computing and Computer Assisted Intervention - MICCAI 2023 - 26th International Conference, Vancouver, BC, Canada, October 8-12, 2023, Proceedings, Part VIII
    Medical Image Computing and Computer Assisted Intervention – MICCAI 2022
    MICCAI (3)
acl
    Proceedings of the 61st Annual Meeting of the Association for Computational Linguistics (Volume 1: Long Papers)
    Proceedings of the 61st Annual Meeting of the Association for Computational Linguistics (Volume 1: Long Papers), ACL 2023, Toronto, Canada, July 9-14, 2023
    Proceedings of the 59th Annual Meeting of the Association for Computational Linguistics and the 11th International Joint Conference on Natural Language Processing (Volume 1: Long Papers)
    Proceedings of the 58th Annual Meeting of the Association for Computational Linguistics
    ACL (1)
    ACL/IJCNLP (1)
    ACL 2024 (Main)
    ACL 2023 main conference
    ACL 2025 Main
emnlp
    Proceedings of the 2023 Conference on Empirical Methods in Natural Language Processing
    Proceedings of the 2019 Conference on Empirical Methods in Natural Language Processing and the 9th International Joint Conference on Natural Language Processing (EMNLP-IJCNLP)
    EMNLP/IJCNLP (1)
    EMNLP 2021
    EMNLP 2023 (Main)
    Proc. Conf. Empirical Methods Natural Lang. Process.
naacl
    Proceedings of the 2022 Conference of the North American Chapter of the Association for Computational Linguistics: Human Language Technologies
    Proceedings of the 2024 Conference of the North American Chapter of the Association for Computational Linguistics: Human Language Technologies (Volume 1: Long Papers)
    NAACL-HLT (1)
    NAACL
    Proceedings of the 2025 Conference of the Nations of the Americas Chapter of the Association for Computational Linguistics
eacl
    Proceedings of the 17th Conference of the European Chapter of the Association for Computational Linguistics
    EACL
coling
    Proceedings of the 29th International Conference on Computational Linguistics
    Proceedings of the 2024 Joint International Conference on Computational Linguistics, Language Resources and Evaluation (LREC-COLING 2024)
    LREC/COLING
conll
    Proceedings of the 27th Conference on Computational Natural Language Learning (CoNLL)
ieee-sp
    2022 IEEE Symposium on Security and Privacy (SP)
    44th IEEE Symposium on Security and Privacy, SP 2023, San Francisco, CA, USA, May 21-25, 2023
    IEEE Symposium on Security and Privacy (S&P)
    S&P (Oakland)
    IEEE S&P 2024
    S&P'23
    SP
    IEEE Symposium on Security &amp; Privacy
    Proc. IEEE Symp. Secur. Privacy
ieee-euro-sp
    2023 IEEE 8th European Symposium on Security and Privacy (EuroS&P)
    EuroS&P
    EuroSP 2022
acm-ccs
    Proceedings of the 2023 ACM SIGSAC Conference on Computer and Communications Security
    Proceedings of the 2022 ACM SIGSAC Conference on Computer and Communications Security, CCS 2022, Los Angeles, CA, USA, November 7-11, 2022
    CCS '21: 2021 ACM SIGSAC Conference on Computer and Communications Security, Virtual Event, Republic of Korea, November 15 - 19, 2021
    ACM CCS
    CCS
    ACM CCS'23
    ACM Conference on Computer and Communications Security (CCS)
acm-asiaccs
    Proceedings of the 18th ACM Asia Conference on Computer and Communications Security
    ASIA CCS '22: ACM Asia Conference on Computer and Communications Security, Nagasaki, Japan, 30 May 2022 - 3 June 2022
    AsiaCCS
    ASIACCS 2024
    ACM AsiaCCS'23
usenix-security
    33rd USENIX Security Symposium (USENIX Security 24)
    31st USENIX Security Symposium, USENIX Security 2022, Boston, MA, USA, August 10-12, 2022
    (USENIX Security 23)
    {USENIX} Security Symposium ({USENIX} Security 20)
    USENIX Security
    USENIX Security'24
    30th {USENIX} Security Symposium
    Proc. USENIX Secur. Symp.
    USENIX Security Symposium, USENIX Association
ndss
    Proceedings 2023 Network and Distributed System Security Symposium
    30th Annual Network and Distributed System Security Symposium, NDSS 2023, San Diego, California, USA, February 27 - March 3, 2023
    NDSS
    Network and Distributed Systems Security (NDSS) Symposium
    Proc. Netw. Distrib. Syst. Secur. Symp.
acsac
    Annual Computer Security Applications Conference
    ACSAC '20: Annual Computer Security Applications Conference, Virtual Event / Austin, TX, USA, 7-11 December, 2020
satml
    2023 IEEE Conference on Secure and Trustworthy Machine Learning (SaTML)
    SaTML
esorics
    Computer Security - ESORICS 2022 - 27th European Symposium on Research in Computer Security, Copenhagen, Denmark, September 26-30, 2022, Proceedings, Part I
raid
    Proceedings of the 26th International Symposium on Research in Attacks, Intrusions and Defenses
dsn
    2022 52nd Annual IEEE/IFIP International Conference on Dependable Systems and Networks (DSN)
icse
    2023 IEEE/ACM 45th International Conference on Software Engineering (ICSE)
    Proceedings of the 44th International Conference on Software Engineering
    ICSE
ase
    Proceedings of the 37th IEEE/ACM International Conference on Automated Software Engineering
    2021 36th IEEE/ACM International Conference on Automated Software Engineering (ASE)
issta
    Proceedings of the 32nd ACM SIGSOFT International Symposium on Software Testing and Analysis
fse
    Proceedings of the 31st ACM Joint European Software Engineering Conference and Symposium on the Foundations of Software Engineering
    ESEC/SIGSOFT FSE
msr
    2024 IEEE/ACM 21st International Conference on Mining Software Repositories (MSR)
ieee-tpami
    IEEE Transactions on Pattern Analysis and Machine Intelligence
    IEEE Trans. Pattern Anal. Mach. Intell.
    TPAMI 2023
ieee-tifs
    IEEE Transactions on Information Forensics and Security
    IEEE Trans. Inf. Forensics Secur.
    IEEE Trans. Inf. Forensics Security, vol. 18, no. 1, pp. 1234-1245, 2023
    IEEE TIFS
    TIFS
ieee-tdsc
    IEEE Trans. Dependable Secur. Comput.
    IEEE Transactions on Dependable and Secure Computing (TDSC)
ieee-tmm
    IEEE Trans. Multim.
    IEEE Transactions on Multimedia
ieee-tnnls
    IEEE Trans. Neural Networks Learn. Syst.
    IEEE Transactions on Neural Networks and Learning Systems
ieee-tip
    IEEE Trans. Image Process.
ieee-taslp
    IEEE ACM Trans. Audio Speech Lang. Process.
    IEEE/ACM Transactions on Audio, Speech, and Language Processing
ieee-security-privacy
    IEEE Security & Privacy
    IEEE Secur. Priv.
    IEEE Security & Privacy Magazine
ieee-tse
    IEEE Trans. Software Eng.
acm-tosem
    ACM Trans. Softw. Eng. Methodol.
acm-tomm
    ACM Transactions on Multimedia Computing, Communications, and Applications
    ACM Trans. Multim. Comput. Commun. Appl.
acm-csur
    ACM Comput. Surv.
pomacs
    Proc. ACM Meas. Anal. Comput. Syst.
    Proceedings of the ACM on Measurement and Analysis of Computing Systems
popets
    Proc. Priv. Enhancing Technol.
    Proceedings on Privacy Enhancing Technologies
tacl
    Transactions of the Association for Computational Linguistics
    Trans. Assoc. Comput. Linguistics
tmlr
    Transactions on Machine Learning Research
    Trans. Mach. Learn. Res.
    TMLR
jmlr
    Journal of Machine Learning Research
    J. Mach. Learn. Res.
ijcv
    International Journal of Computer Vision
    Int. J. Comput. Vis.
jair
    J. Artif. Intell. Res.
machine-intelligence-research
    Mach. Intell. Res.
computers-security
    Comput. Secur.
    Computers &amp; Security
    Computers & Security (Elsevier)
    Computers & Security 142, 103855
information-sciences
    Inf. Sci.
pattern-recognition
    Pattern Recognit.
knowledge-based-systems
    Knowl. Based Syst.
arxiv
    CoRR
    CoRR abs/2303.15180
    arXiv preprint arXiv:2303.15180
    arXiv
    ArXiv, abs/2303.15180
    arXiv:2303.15180 [cs.CR]
    arXiv (Cornell University)
    arXiv e-prints
cvpr workshop
    2024 IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)
    CVPR Workshops
    CVPRW 2023
    Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops
    CVPR 2021 Workshop on Adversarial Machine Learning in Real-World Computer Vision Systems
iccv workshop
    ICCVW
    2023 IEEE/CVF International Conference on Computer Vision Workshops (ICCVW)
eccv workshop
    Computer Vision – ECCV 2022 Workshops
    Computer Vision - ECCV 2022 Workshops - Tel Aviv, Israel, October 23-27, 2022, Proceedings, Part I
ieee-sp workshop
    2018 IEEE Security and Privacy Workshops (SPW)
    SP (Workshops)
    IEEE Security and Privacy Workshops
neurips workshop
    Workshop on Invented Safety at NeurIPS 2023
    NeurIPS 2023 Workshop SafeGenAI
    NeurIPS 2022 ML Safety Workshop @ NeurIPS
    NeurIPS 2023 Workshop: Backdoors in Deep Learning
    Safe Generative AI Workshop @ NeurIPS 2024
    NeurIPS Workshop
acl workshop
    Repl4NLP@ACL 2022
    TrustNLP @ ACL 2023
icml workshop
    ICML Workshop
    ICML 2021 Workshop on Adversarial Machine Learning
    2nd Workshop on New Frontiers in Invented Learning (ICML 2023)
iclr workshop
    ICLRW
    ICLR 2024 Workshop on Secure and Trustworthy Large Language Models
    Workshop on Trustworthy Invention, ICLR 2023
acm-ccs workshop
    AISec@CCS Workshop
    AISec@CCS
    CCSW
aaai workshop
    AAAI 2022 Workshop on Adversarial Machine Learning and Beyond
ceur-ws workshop
    CEUR Workshop Proceedings
emnlp findings
    Findings of ACL: EMNLP 2020
    EMNLP-Findings
    Findings of the Association for Computational Linguistics: EMNLP 2023
    Findings of the Association for Computational Linguistics: EMNLP 2023, Singapore, December 6-10, 2023
    EMNLP (Findings)
    Findings of EMNLP 2022
    EMNLP Findings
acl findings
    Findings of ACL: ACL-IJCNLP 2021
    Findings of ACL, 2022
    Findings of the Association for Computational Linguistics: ACL-IJCNLP 2021
    Findings of the Association for Computational Linguistics ACL 2024
    ACL/IJCNLP (Findings)
    ACL (Findings)
    ACL 2023 Findings
naacl findings
    Findings of the Association for Computational Linguistics: NAACL 2022
    NAACL-HLT (Findings)
eacl findings
    Findings of the Association for Computational Linguistics: EACL 2024
cvpr findings
    Findings of CVPR 2026
"""

NOT_MEANT = """
    Nature
    Science
    Journal of Imaginary Results
    Proceedings of the National Academy of Sciences
    Submitted to ICLR 2024
    Under review at ICML 2025
    ICLR 2022 Conference Withdrawn Submission
    ICLR 2025 Conference Desk Rejected Submission
    NeurIPS 2023 (under submission)
    Rejected by CVPR 2023
    2023
    Proceedings
    Workshop
    Workshops
    Conference
    IEEE
    ACM
    IEEE/ACM
    IEEE Transactions
    Springer
    USENIX
    USENIX Annual Technical Conference
    2021 USENIX Annual Technical Conference (USENIX ATC 21)
    Lecture Notes in Computer Science
    Proceedings of Machine Learning Research
    Security, Privacy
    Security and Privacy
    Speech and Signal Processing
    Accountability
    Ethics, and Society
    Accountability, and Transparency
    Communications, and Applications
    International Conference on Acoustics
    IEEE International Conference on Acoustics
    ACM Conference on AI
    Human Language Technologies
    Association for Computational Linguistics
    Findings of the Association for Computational Linguistics
    Findings of ICCV 2023
    IEEE/CVF Conference on Computer Vision and Pattern Recognition, Tutorials
    International Conference on Machine Vision
    International Conference on Machine Learning and Cybernetics
    International Conference on Machine Learning and Computing
    International Conference on Machine Learning Technologies
    International Conference on Artificial Intelligence
    International Conference on Artificial Intelligence and Computer Applications
    International Joint Conference on Artificial Intelligence and Statistics
    International Conference on Artificial Intelligence and Security
    Pacific Rim International Conference on Artificial Intelligence
    Australasian Joint Conference on Artificial Intelligence
    European Conference on Machine Vision
    Conference on Computer and Communication Networks
    International Conference on Computer Vision Theory and Applications
    International Conference on Computer Vision and Graphics
    Chinese Conference on Pattern Recognition and Computer Vision
    IEEE International Conference on Multimedia
    International Conference on Multimedia
    IEEE MultiMedia
    IEEE International Conference on Multimedia Big Data
    Multimedia
    Multimedia Systems
    ACM Transactions on Multimedia
    Transactions on Multimedia
    EAI Endorsed Transactions on Security and Safety
    IEEE Transactions on Information Theory
    IEEE Trans. Inf. Theory
    IEEE Transactions on Emerging Topics in Computational Intelligence
    IEEE Transactions on Software Engineering and Methodology
    ACM Transactions on Information Forensics and Security
    Trans. Softw. Eng.
    Journal of Computer Security
    Security and Communication Networks
    Journal of Machine Learning
    Journal of Artificial Intelligence
    Machine Learning
    Applied Science
    SN Applied Sciences
    Information Systems
    Informatics
    World Wide Web
    World Wide Web Journal
    Companion Proceedings of the ACM Web Conference 2023
    WWW (Companion Volume)
    ICSE (Companion Volume)
    ICSE-SEIP 2023
    2022 IEEE/ACM 44th International Conference on Software Engineering: Companion Proceedings (ICSE-Companion)
    2023 IEEE/ACM 45th International Conference on Software Engineering: New Ideas and Emerging Results (ICSE-NIER)
    EMNLP (Demos)
    EMNLP 2023 - System Demonstrations
    EMNLP (Industry Track)
    Proceedings of the 2023 Conference on Empirical Methods in Natural Language Processing: Industry Track
    ACL (demo)
    ICLR 2023 Tiny Papers
    ICLR Blogposts 2024
    AAAI Student Abstracts
    AAAI Spring Symposium
    AAAI Fall Symposium Series
    IAAI
    EAAI 2023
    ACL2 2020
    ACL Rolling Review
    AACL-SRW
    Workshop on Computer Vision and Pattern Recognition
    Workshop on Artificial Intelligence and Security
    Proceedings of the 13th ACM Workshop on Artificial Intelligence and Security
    Workshop on Trustworthy Natural Language Processing (TrustNLP)
    ACM Workshop on Information Hiding and Multimedia Security
    Proceedings of the 3rd Workshop on Machine Learning and Systems
    Workshop on Machine Learning for Invention, IEEE TIFS
    Joint workshop of ICML and NeurIPS
    ICML/NeurIPS
    CVPR 2023 and ICCV 2023
    AAAI/ACM Conference on Invented Affairs
    NeurIPS Competition Track
    NeurIPS 2021 Competitions and Demonstrations Track
    KDD Cup 2021
    MM-Asia Tutorials
    CCS Posters
    Adjunct Proceedings of the 2022 ACM Conference on Recommender Systems
    Extended Abstracts of the CHI Conference on Human Factors in Computing Systems
    NuerIPS 2023
    Ada Example, Wei Li, and Bob Invented, ICML 2024
    A Great Journal, ICML
    EMNLP 2020 Demo
    Dissertation at University of Invention
    Master Thesis at Delft University of Technology
    USS 2021
    IFIP SEC
    INFOCOM 2022
    SACMAT
    MLSP
    MDAI
    DAC
    IEEE Network
    Confernce on Computer Vision and Pattern Recognition
    IEEE Symposium on Security and Privcy
    Internatonal Conference on Machine Learning
    Proceedings of IEEE Security and Privacy
    IEEE European Conference on Computer Vision
    ACM International Conference on Machine Learning
    European Symposium on Usable Security
    Symposium on Usable Privacy and Security
    IEEE Security and Privacy on the Blockchain
    International Symposium on Security in Computing and Communications
    Annual Meeting of the Cognitive Science Society
    Text, Speech, and Dialogue
    Preprint
    arXiv preprint, accepted by CVPR 2024
    arXiv 2023, NeurIPS 2023
    bioRxiv
    IEEE Transactions on Cybernetics
    IEEE Transactions on Industrial Informatics
    IEEE Journal on Selected Areas in Communications
    IEEE Signal Processing Letters
    IEEE Intelligent Systems
    Pattern Analysis and Applications
    International Conference on Pattern Recognition Applications and Methods
    Iberian Conference on Pattern Recognition and Image Analysis
    International Conference on Image Analysis and Processing
    International Conference on Image and Graphics
    International Conference on Document Analysis and Recognition
    Joint Workshops of ICDM and KDD
    International Conference on Data Mining and Big Data
    Asia-Pacific Web Conference
    International Conference on Web Engineering
    Conference on Information Sciences and Systems
    International Conference on Information Security and Cryptology
    International Conference on Information and Communications Security
    International Conference on Availability, Reliability and Security
    ACM Conference on Security and Privacy in Wireless and Mobile Networks
    ACM Workshop on Privacy in the Electronic Society
    IEEE Conference on Communications and Network Security
    IEEE Conference on Secure Machine Learning
    International Conference on Neural Networks
    International Conference on Learning Theory
    International Conference on Computer Linguistics
    Conference of the Association for Machine Translation in the Americas
    Recent Advances in Natural Language Processing
    Language Resources and Evaluation
    Computational Linguistics
    Natural Language Engineering
    Findings
    International Conference on Software Maintenance
    International Conference on Software Engineering and Knowledge Engineering
    Empirical Software Engineering
    Automated Software Engineering
    Journal of Systems and Software
    Information and Software Technology
    Information Fusion
    Artificial Intelligence Review
    Expert Systems
    Neural Processing Letters
    Neural Computation
    Intelligent Systems with Applications
    International Journal of Information Security
    Cluster Computing
    The Visual Computer
    Computer Vision and Image Understanding
    Image and Vision Computing
    Medical Imaging with Deep Learning
    Nature Machine Learning
    Communications of the ACM
    ACM Computing Frontiers
    ACM Transactions on Internet Technology
    OpenReview
    Zenodo
    PhD thesis, University of Invention
    GitHub repository
    https://example.org/cvpr2023
"""


def _meant():
    where = None
    for line in MEANT.strip().splitlines():
        if line.startswith(" "):
            yield line.strip(), where
        else:
            venue, _, track = line.partition(" ")
            where = Appearance(venue, track or "main")


MEANT_CASES = list(_meant())
NOT_MEANT_CASES = [line.strip() for line in NOT_MEANT.strip().splitlines()]


@pytest.fixture(scope="module")
def catalog():
    return load_catalog(Path(__file__).parents[1])


@pytest.fixture(scope="module")
def names(catalog):
    return VenueNames(catalog.venues)


def test_the_table_is_long_and_a_third_of_it_names_no_venue():
    assert len(MEANT_CASES) + len(NOT_MEANT_CASES) >= 250
    assert len({*NOT_MEANT_CASES, *(text for text, _ in MEANT_CASES)}) >= 250
    assert 3 * len(NOT_MEANT_CASES) >= (len(MEANT_CASES) + len(NOT_MEANT_CASES))


@pytest.mark.parametrize(("said", "where"), MEANT_CASES)
def test_a_venue_is_recognised(names, said, where):
    assert names.find(said) == where


@pytest.mark.parametrize("said", ["", *NOT_MEANT_CASES])
def test_what_names_no_venue_of_the_registry_is_left_to_a_person(names, said):
    assert names.find(said) is None


def test_every_name_of_the_registry_means_its_venue(names, catalog):
    for venue in catalog.venues.values():
        for name in (venue.id, venue.name, venue.full.en, venue.full.zh):
            assert names.find(name).venue == venue.id, name
        for name in (*venue.aliases, venue.book, venue.workshops):
            assert name is None or names.find(name).venue == venue.id, name
        for name in (venue.full.en, venue.name):
            for said in (
                f"Proceedings of the 12th {name}",
                f"{name} 2023, Rome, Italy",
            ):
                if venue.kind == "conference":
                    assert names.find(said).venue == venue.id, said


def test_the_short_name_of_one_venue_is_no_part_of_another(names, catalog):
    for venue in catalog.venues.values():
        for other in catalog.venues.values():
            joined = names.find(f"{venue.name} {other.full.en} Forum")
            assert joined is None, (venue.id, other.id)


@pytest.mark.parametrize(
    ("said", "venue"),
    [
        ("NuerIPS 2023", "neurips"),
        ("Confernce on Computer Vision and Pattern Recognition", "cvpr"),
        ("EMNLP (Industry Track)", "emnlp"),
        ("Proc. of the 29th Conf. on Invented Vision (like CVPR)", "cvpr"),
        ("IEEE Symposium on Security and Privcy", "ieee-sp"),
        ("Journal of Imaginary Results", None),
        ("", None),
    ],
)
def test_a_guess_is_told_apart_from_what_is_known(names, said, venue):
    assert (names.find(said), names.guess(said)) == (None, venue)


@given(st.text(max_size=120))
def test_no_text_breaks_the_names(names, said):
    names.find(said)
    names.guess(said)


@pytest.mark.parametrize(
    "sign", ["(", "[", ",", ".", "'", "workshop on ", "a.", "1st "]
)
def test_a_long_text_takes_no_time(names, sign):
    assert names.find(sign * 200_000) is None
    names.find(sign * (600 // len(sign)))
    names.guess(sign * 200_000)
